# cycle.gp: what push, reserve and ack of a message cost without a server, beside memcpy: columns 2
# to 5 are the copies, push, reserve and ack in ns, 6 their sum.
rows = system('wc -l <'.data) + 0
height_px = 144 + 22 * rows
heading = 'Push, reserve, ack without a server: ns per 32-byte message, one core'
load 'bench/plots/style.gp'
set bmargin at screen 44.0 / height_px
stats data using 6 nooutput
set xrange [0:1.1 * STATS_max]
set yrange [rows - 0.4:-0.6]
set ytics scale 0 nomirror
set xtics nomirror
set style fill solid noborder
plot data using (0):0:(0):2:($0 - 0.32):($0 + 0.32):ytic(1) with boxxyerror linecolor rgb bound \
        notitle, \
    data using (0):0:2:($2 + $3):($0 - 0.32):($0 + 0.32) with boxxyerror linecolor rgb ours \
        notitle, \
    data using (0):0:($2 + $3):($2 + $3 + $4):($0 - 0.32):($0 + 0.32) with boxxyerror \
        linecolor rgb peer notitle, \
    data using (0):0:($2 + $3 + $4):6:($0 - 0.32):($0 + 0.32) with boxxyerror \
        linecolor rgb peer_pale notitle, \
    data using 6:0:(sprintf($6 < 100 ? '%.1f' : '%.0f', $6)) with labels left offset 0.4,0 \
        font 'sans-serif,12' textcolor rgb ink notitle, \
    NaN with boxes linecolor rgb bound title 'memcpy', \
    NaN with boxes linecolor rgb ours title 'push', \
    NaN with boxes linecolor rgb peer title 'reserve', \
    NaN with boxes linecolor rgb peer_pale title 'ack'
