#!/bin/bash
# test_monitoring.sh: the alerts and the dashboard are about figures that slotq metrics prints, and
# the alerts fire when they should.
# shellcheck source=tests/tools/cases.sh
. "$(dirname "${BASH_SOURCE[0]}")/cases.sh"

monitoring=$source_folder/tools/package/monitoring

"$SLOTQ" create jobs -q && "$SLOTQ" metrics >printed 2>err
sed -n 's/^# TYPE \([a-z_]*\) .*/\1/p' printed | sort -u >names

# names_of FILE: the metrics that it asks for.
names_of() {
    grep -oE 'slotq_[a-z_]+' "$1" | sort -u
}

for file in alerts.yml dashboard.json; do
    unknown=$(names_of "$monitoring/$file" | comm -23 - names)
    if [ -s names ] && [ -z "$unknown" ]; then
        ok "$file asks for figures that are printed"
    else
        not_ok "$file asks for figures that are printed" "$unknown" "$(cat err)"
    fi
done

if command -v python3 >.seen; then
    if python3 - "$monitoring/dashboard.json" >out 2>&1 <<'PY'
import json
import sys

panels = json.load(open(sys.argv[1]))["panels"]
cells = set()
for panel in panels:
    at = panel["gridPos"]
    taken = {(x, y) for x in range(at["x"], at["x"] + at["w"])
             for y in range(at["y"], at["y"] + at["h"])}
    assert at["x"] + at["w"] <= 24 and not taken & cells, panel["title"]
    assert panel["description"] and panel["targets"], panel["title"]
    cells |= taken
assert len({panel["id"] for panel in panels}) == len(panels) > 0
PY
    then
        ok "the dashboard is JSON, and no panel lies on another"
    else
        not_ok "the dashboard is JSON, and no panel lies on another" "$(cat out)"
    fi
    # what the dashboard asks is a question that Prometheus can read
    python3 - "$monitoring/dashboard.json" >asked.yml <<'PY'
import json
import sys

print("groups:\n  - name: dashboard\n    rules:")
for panel in json.load(open(sys.argv[1]))["panels"]:
    for target in panel["targets"]:
        expression = target["expr"].replace("$queue", ".*")
        print("      - record: asked:%d:%s\n        expr: '%s'"
              % (panel["id"], target["refId"], expression))
PY
else
    skip "the dashboard's panels" "python3 is not on the PATH"
fi

need promtool
for words in "check rules $monitoring/alerts.yml" "check rules asked.yml" \
    "test rules $monitoring/alerts_test.yml"; do
    # shellcheck disable=SC2086 # words
    if promtool $words >out 2>&1; then
        ok "promtool ${words/$monitoring\//}"
    else
        not_ok "promtool ${words/$monitoring\//}" "$(cat out)"
    fi
done
finish
