# __main__.py: report.md and the plots of a folder of results, from what the programs of the bench
# left there: machine.txt, core.md and redis.md, raw.csv and contenders.tsv of the peers. Knows the
# order of the parts; measures nothing and can be run again.
#
# python3 bench/report report FOLDER     report.md, plots; the settings into machine.txt
# python3 bench/report plots FOLDER      the plots alone; prints their names
# python3 bench/report readme            what README.md says of the published results
import os
import sys

sys.dont_write_bytecode = True  # output goes to build/ only

import machine
import plots
import readme
from markdown import text_of, wrapped
from overview import overview
from raw import Results
from sections import all_sections
from targets import table_of_targets


def file_lines(folder, name):
    path = os.path.join(folder, name)
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as text:
        return text.read().splitlines()


def report_lines(folder, results, drawn):
    lines = ["# slotq bench", "", *(f"- {fact}" for fact in machine.lines_of(folder)), ""]
    ended = file_lines(folder, "ended.txt")
    if ended:
        lines += ["**Some measurements failed:**", "", *ended, ""]
    if os.path.exists(os.path.join(folder, "raw.csv")):
        lines += ["## Targets", "",
                  "Medians of the rounds; a ratio is taken within a round.", "",
                  *table_of_targets(results), *overview(results),
                  *all_sections(results, drawn)]
    if "cycle.svg" in drawn:
        lines += ["![Push, reserve, ack without a server](cycle.svg)", ""]
    return lines + file_lines(folder, "core.md") + file_lines(folder, "redis.md")


def report(folder):
    results = Results(folder)
    drawn = plots.draw_all(folder, results)
    machine.add_settings(folder, results)
    text = text_of(wrapped(report_lines(folder, results, drawn)))
    with open(os.path.join(folder, "report.md"), "w", encoding="utf-8") as out:
        out.write(text)


def main(words):
    folder = os.path.abspath(words[1]) if len(words) == 2 else ""
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
    if words == ["readme"]:
        sys.stdout.write(readme.region())
    elif words[:1] == ["report"] and folder:
        report(folder)
    elif words[:1] == ["plots"] and folder:
        for name in plots.draw_all(folder, Results(folder)):
            print(name)
    else:
        print("usage: python3 bench/report report FOLDER | plots FOLDER | readme",
              file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
