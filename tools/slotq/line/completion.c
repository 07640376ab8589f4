/* completion.c: the command completion: a bash script made of the tables of commands and options,
 * so that it cannot drift from them.
 */
#include <stdio.h>
#include <string.h>

#include "command_line.h"
#include "../say/output.h"
#include "../say/report.h"
#include "../say/texts.h"

/* Words that an operand or an option's value can be. */
static void print_cases(void)
{
    puts("    case $previous in\n"
         "    -u|--url|--to-url) mapfile -t COMPREPLY < <(compgen -d -- \"$word\"); return ;;\n"
         "    --sync) mapfile -t COMPREPLY < <(compgen -W 'os always' -- \"$word\"); return ;;\n"
         "    --output) mapfile -t COMPREPLY < <(compgen -W 'line group none' -- \"$word\")\n"
         "        return ;;\n"
         "    --dead-full) mapfile -t COMPREPLY < <(compgen -W 'overwrite refuse' -- \"$word\")\n"
         "        return ;;\n"
         "    --to) folder=${other:-$folder}; _slotq_queues; return ;;");
    fputs("    ", stdout);
    const char *between = "";
    for (int i = 0; i < OPTION_COUNT; i++) {
        const option_entry *entry = &option_table[i];
        if (entry->value_word != NULL && i != OPTION_URL && i != OPTION_SYNC &&
            i != OPTION_OUTPUT && i != OPTION_TO_URL && i != OPTION_DEAD_FULL && i != OPTION_TO) {
            printf("%s--%s", between, entry->name);
            if (entry->letter != 0) {
                printf("|-%c", entry->letter);
            }
            between = "|";
        }
    }
    puts(") return ;;\n    esac");
}

static void print_options(void)
{
    puts("    case $command in");
    for (int i = 0; i < command_count; i++) {
        printf("    %s) options='", command_table[i].name);
        const char *between = "";
        for (int j = 0; j < OPTION_COUNT; j++) {
            if (command_takes(&command_table[i], j)) {
                printf("%s--%s", between, option_table[j].name);
                between = " ";
            }
        }
        puts("' ;;");
    }
    puts("    *) options='--url --help --version' ;;\n    esac");
}

static void print_finding(void)
{
    puts("    local i skip=\n"
         "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
         "        local each=${COMP_WORDS[i]}\n"
         "        while [[ ${COMP_WORDS[i + 1]} == : ]] && ((i + 2 < COMP_CWORD)); do\n"
         "            each+=:${COMP_WORDS[i + 2]} # bash breaks words at colons\n"
         "            ((i += 2))\n"
         "        done\n"
         "        if [[ -n $skip ]]; then\n"
         "            [[ $skip == url ]] && folder=$each\n"
         "            [[ $skip == other ]] && other=$each\n"
         "            skip=\n"
         "        elif [[ $each == -u || $each == --url ]]; then\n"
         "            skip=url\n"
         "        elif [[ $each == --to-url ]]; then\n"
         "            skip=other");
    fputs("        elif [[ $each =~ ^(", stdout);
    const char *between = "";
    for (int i = 0; i < OPTION_COUNT; i++) {
        const option_entry *entry = &option_table[i];
        if (entry->value_word != NULL && i != OPTION_URL && i != OPTION_TO_URL) {
            printf("%s--%s", between, entry->name);
            if (entry->letter != 0) {
                printf("|-%c", entry->letter);
            }
            between = "|";
        }
    }
    puts(")$ ]]; then\n"
         "            skip=value\n"
         "        elif [[ $each != -* ]]; then\n"
         "            if [[ -z $command ]]; then command=$each; else operands+=(\"$each\"); fi\n"
         "        fi\n"
         "    done");
}

/* Adds those of $folder that begin with $word. */
static void print_queues(void)
{
    puts("_slotq_queues()\n{\n"
         "    local file\n"
         "    if [[ $folder == redis://* || $folder == unix://* ]]; then\n"
         "        while read -r file; do\n" /* names with quotes or backslashes are left out */
         "            [[ $file == \"$word\"* ]] && COMPREPLY+=(\"$(printf %q \"$file\")\")\n"
         "        done < <(slotq -u \"$folder\" ls --json 2>/dev/null |\n"
         "            sed -nE 's/^\\{\"queue\":\"([^\"\\]*)\".*/\\1/p' | uniq)\n"
         "        return\n"
         "    fi\n"
         "    for file in \"$folder\"/*.slotq; do\n" /* names may hold anything: no compgen -W */
         "        file=${file##*/}; file=${file%.slotq}\n"
         "        [[ $file == *{*} && $word != *{* ]] && continue # a shard\n"
         "        [[ $file != '*' && $file == \"$word\"* ]] && "
         "COMPREPLY+=(\"$(printf %q \"$file\")\")\n"
         "    done\n}");
}

static void print_operands(void)
{
    fputs("    local commands='", stdout);
    for (int i = 0; i < command_count; i++) {
        printf("%s%s", i == 0 ? "" : " ", command_table[i].name);
    }
    puts("'\n"
         "    local words= wants_queue=\n"
         "    case $command:${#operands[@]} in\n"
         "    :0|help:0) words=$commands ;;\n"
         "    dead:0) words='ls redrive remove purge' ;;\n"
         "    later:0) words='ls cancel kick' ;;\n"
         "    shards:0) words='ls add drain undrain repair' ;;\n"
         "    cron:0) words=next ;;\n"
         "    completion:0) words=bash ;;\n"
         "    pause:1|resume:1) words='in out closed' ;;\n"
         "    work:1) mapfile -t COMPREPLY < <(compgen -c -- \"$word\"); return ;;\n"
         "    ls:*|cron:*|bench:*|version:*|completion:*|help:*) ;;\n"
         "    move:2) wants_queue=1; folder=${other:-$folder} ;;\n"
         "    dead:1|later:1|shards:1|doctor:*|*:0) wants_queue=1 ;;\n"
         "    esac\n"
         "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
         "    [[ -z $wants_queue ]] || _slotq_queues");
}

int run_completion(const command_line *line)
{
    if (strcmp(line->operands[0], "bash") != 0) {
        complain("completion %s: must be bash", shown_url(line->operands[0]).text);
        return EXIT_CODE_USAGE;
    }
    puts("# bash completion for slotq; made by: slotq completion bash");
    print_queues();
    puts("_slotq()\n{\n"
         "    local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}\n"
         "    local command= options= folder=${SLOTQ_URL:-.} other=\n"
         "    local -a operands=()\n"
         "    COMPREPLY=()");
    print_finding();
    print_cases();
    print_options();
    puts("    if [[ $word == -* ]]; then\n"
         "        mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$word\")\n"
         "        return\n"
         "    fi");
    print_operands();
    puts("}\ncomplete -F _slotq slotq");
    return EXIT_CODE_OK;
}
