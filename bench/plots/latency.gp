# latency.gp: from when a message is due until a consumer has it: p50, p99 and p99.9.
rows = system('wc -l <'.data) + 0
height_px = 124 + 25 * rows
heading = 'Latency at 10,000 messages per second, one consumer'
load 'bench/plots/style.gp'
set bmargin at screen 44.0 / height_px
set logscale x
stats data using 3 name 'half' nooutput
stats data using 7 name 'rare' nooutput
room = (rare_max / half_min) ** 0.16 # for the words before p50
set xrange [half_min / (1.5 * room):rare_max * 2]
set yrange [rows - 0.4:-0.6]
set ytics scale 0 nomirror
set xtics nomirror ('1 µs' 1, '10 µs' 10, '100 µs' 100, '1 ms' 1e3, '10 ms' 1e4, '100 ms' 1e5, \
    '1 s' 1e6, '10 s' 1e7)
set xlabel 'log scale'
set errorbars 0
plot data using 3:0:3:7:(pale($2)):ytic(1) with xerrorbars pointtype -1 linewidth 4 \
        linecolor rgb variable notitle, \
    data using 3:0:(strong($2)) with points pointtype 7 pointsize 0.9 linecolor rgb variable \
        notitle, \
    data using 4:0:(strong($2)) with points pointtype 5 pointsize 0.8 linecolor rgb variable \
        notitle, \
    data using 5:0:(strong($2)) with points pointtype 9 pointsize 0.9 linecolor rgb variable \
        notitle, \
    data using 3:0:6 with labels right offset -0.9,0 font 'sans-serif,12' textcolor rgb ink \
        notitle, \
    NaN with points pointtype 7 pointsize 0.9 linecolor rgb peer title 'p50', \
    NaN with points pointtype 5 pointsize 0.8 linecolor rgb peer title 'p99', \
    NaN with points pointtype 9 pointsize 0.9 linecolor rgb peer title 'p99.9', \
    NaN with points pointtype 7 pointsize 0.9 linecolor rgb ours title 'slotq', \
    NaN with points pointtype 7 pointsize 0.9 linecolor rgb bound \
        title has_bound ? 'a bound' : ''
