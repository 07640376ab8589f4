/* completion.c: the command completion: for each shell a script that asks this command what the
 * last word may become (candidates.h), so that none of them can drift from the tables.
 */
#include <stdio.h>
#include <string.h>

#include "candidates.h"
#include "command_line.h"
#include "../say/report.h"
#include "../say/texts.h"

static const char bash[] =
    "# bash completion for slotq; made by: slotq completion bash\n"
    "_slotq()\n"
    "{\n"
    "    local i each joined= words=()\n"
    "    for ((i = 1; i <= COMP_CWORD; i++)); do\n"
    "        each=${COMP_WORDS[i]//[\\\\\\'\\\"]/}\n"
    "        if [[ ${#words[@]} -gt 0 && ($joined || $each == [:=]) ]]; then\n"
    "            words[-1]+=$each # bash breaks words at colons and equals signs\n"
    "        else\n"
    "            words+=(\"$each\")\n"
    "        fi\n"
    "        if [[ $each == [:=] ]]; then joined=1; else joined=; fi\n"
    "    done\n"
    "    local begun=${words[-1]%\"${each#[:=]}\"} word last=${words[-1]}\n"
    "    COMPREPLY=()\n"
    "    while IFS=$'\\t' read -r word _; do\n"
    "        case $word in\n"
    "        :folders|:files)\n"
    "            local action=file\n"
    "            [[ $word == :folders ]] && action=directory\n"
    "            compopt -o filenames 2>/dev/null\n"
    "            mapfile -t COMPREPLY < <(compgen -A \"$action\" -- \"$last\") ;;\n"
    "        :commands) mapfile -t COMPREPLY < <(compgen -c -- \"$last\") ;;\n"
    "        *) COMPREPLY+=(\"$(printf %q \"${word#\"$begun\"}\")\") ;;\n"
    "        esac\n"
    "    done < <(\"${COMP_WORDS[0]/#\\~/$HOME}\" completion words -- \"${words[@]}\" "
    "2>/dev/null)\n"
    "}\n"
    "complete -F _slotq slotq\n";

static const char zsh[] =
    "#compdef slotq\n"
    "# zsh completion for slotq; made by: slotq completion zsh\n"
    "_slotq()\n"
    "{\n"
    "    local each\n"
    "    local -a lines names texts begun\n"
    "    begun=(\"${(@Q)words[2,CURRENT-1]}\" \"${(Q)PREFIX}\")\n"
    "    lines=(\"${(@f)$(${(Q)~words[1]} completion words -- \"$begun[@]\" 2>/dev/null)}\")\n"
    "    case $lines[1] in\n"
    "    '') return 1 ;;\n"
    "    :folders) _files -/ ;;\n"
    "    :files) _files ;;\n"
    "    :commands) _command_names -e ;;\n"
    "    *)\n"
    "        for each in \"$lines[@]\"; do\n"
    "            names+=(\"${each%%$'\\t'*}\")\n"
    "            texts+=(\"${each/$'\\t'/  -- }\")\n"
    "        done\n"
    "        if [[ $lines[1] == *$'\\t'* ]]; then\n"
    "            compadd -l -d texts -a names\n"
    "        else\n"
    "            compadd -a names\n"
    "        fi ;;\n"
    "    esac\n"
    "}\n"
    "if [[ $funcstack[1] == _slotq ]]; then\n"
    "    _slotq \"$@\"\n"
    "else\n"
    "    compdef _slotq slotq\n"
    "fi\n";

static const char fish[] =
    "# fish completion for slotq; made by: slotq completion fish\n"
    "function __slotq_candidates\n"
    "    set -l begun (commandline -opc)\n"
    "    set -l last (commandline -ct)\n"
    "    set -l lines ($begun[1] completion words -- $begun[2..-1] \"$last\" 2>/dev/null)\n"
    "    switch \"$lines[1]\"\n"
    "        case :folders\n"
    "            __fish_complete_directories \"$last\"\n"
    "        case :files\n"
    "            __fish_complete_path \"$last\"\n"
    "        case :commands\n"
    "            complete -C \"$last\"\n"
    "        case '*'\n"
    "            printf '%s\\n' $lines\n"
    "    end\n"
    "end\n"
    "complete -c slotq -f -a '(__slotq_candidates)'\n";

static const struct {
    const char *name;
    const char *script;
} shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};

int run_completion(const command_line *line)
{
    if (strcmp(line->operands[0], "words") == 0) {
        candidates_print(line->count - 1, line->operands + 1);
        return EXIT_CODE_OK;
    }
    if (line->count > 1) {
        complain("too many operands: slotq completion bash|zsh|fish");
        return EXIT_CODE_USAGE;
    }
    for (size_t i = 0; i < sizeof shells / sizeof shells[0]; i++) {
        if (strcmp(line->operands[0], shells[i].name) == 0) {
            fputs(shells[i].script, stdout);
            return EXIT_CODE_OK;
        }
    }
    complain("completion %s: must be bash, zsh or fish", shown_url(line->operands[0]).text);
    return EXIT_CODE_USAGE;
}
