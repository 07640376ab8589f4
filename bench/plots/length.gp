# length.gp: what push, reserve and ack of one message cost together, by the length of the queue.
# Each contender is a block of lines that begins with its name; tints and roles have a word for
# each, of contenders.def.
height_px = 470
heading = 'Push, reserve, ack of one message, by queue length'
load 'bench/plots/style.gp'
set bmargin at screen 64.0 / height_px
set rmargin at screen 0.71
set logscale xy
set xlabel 'messages in the queue (log scale)'
set ylabel 'µs for three round trips (log scale)'
set xtics nomirror
set ytics nomirror (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000)
stats data using 2 nooutput
set yrange [0.6 * STATS_min:1.7 * STATS_max]
set grid ytics
set key at screen 0.722, screen from_top(76) left top vertical reverse Left samplen 2.5 \
    spacing 1.15
set pointsize 0.7
do for [i = 1:words(tints)] {
    is_ours = word(roles, i) eq 'ours'
    dashes = is_ours ? 1 : i % 3 + 1
    wide = is_ours ? 3.5 : 1.8
    set linetype i linecolor rgb word(tints, i) linewidth wide dashtype dashes pointtype 7
}
plot for [i = 1:words(tints)] data index i - 1 using 1:2 with linespoints linetype i \
    title columnheader(1)
