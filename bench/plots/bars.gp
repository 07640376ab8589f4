# bars.gp: a contender a line, two bars each: columns 3 and 4, named first and second, their texts
# in 5 and 6. Knows no figure; least and most are the ends of the axis.
set yrange [rows - 0.4:-0.6]
set xrange [least:most]
set ytics scale 0 nomirror
set xtics nomirror
set bmargin at screen 64.0 / height_px
plot data using (least):0:(least):3:($0 - 0.36):($0 - 0.02):(strong($2)):ytic(1) \
        with boxxyerror fillstyle solid noborder linecolor rgb variable notitle, \
    data using (least):0:(least):4:($0 + 0.02):($0 + 0.36):(pale($2)) \
        with boxxyerror fillstyle solid noborder linecolor rgb variable notitle, \
    data using 3:($0 - 0.19):5 with labels left offset 0.4,0 font 'sans-serif,12' \
        textcolor rgb ink notitle, \
    data using 4:($0 + 0.19):6 with labels left offset 0.4,0 font 'sans-serif,12' \
        textcolor rgb ink notitle, \
    NaN with boxes fillstyle solid noborder linecolor rgb peer title first, \
    NaN with boxes fillstyle solid noborder linecolor rgb peer_pale title second, \
    NaN with boxes fillstyle solid noborder linecolor rgb ours title 'slotq', \
    NaN with boxes fillstyle solid noborder linecolor rgb bound title has_bound ? 'a bound' : ''
