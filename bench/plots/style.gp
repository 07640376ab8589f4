# style.gp: how all plots look: a light card of their own with a border, so that they can be read
# on light and on dark pages alike. Loaded first; height_px and heading are set before.
set terminal svg size 830,height_px dynamic enhanced font 'sans-serif,14' background '#fafbfc' \
    rounded
set output out
set datafile separator '\t'
set datafile missing 'NaN'
set encoding utf8

ink = 0x24292f
ours = 0xd9480f
ours_pale = 0xf7a072
peer = 0x3b6ea5
peer_pale = 0x9dbcdc
bound = 0x6e7781
bound_pale = 0xb9c0c7
strong(kind) = kind == 1 ? ours : kind == 2 ? bound : peer
pale(kind) = kind == 1 ? ours_pale : kind == 2 ? bound_pale : peer_pale
has_bound = system("cut -f 2 '".data."' | grep -cx 2") + 0
from_top(pixels) = 1 - pixels / (1.0 * height_px)

set object 1 rectangle from screen 0,0 to screen 1,1 behind fillstyle empty border rgb '#d0d7de'
set label 1 heading at screen 0.025, screen from_top(26) left font 'sans-serif:Bold,17' \
    textcolor rgb ink
set tmargin at screen from_top(76)
set rmargin at screen 0.965
set border 3 linecolor rgb '#8c959f'
set tics textcolor rgb '#24292f'
set xlabel textcolor rgb '#24292f'
set ylabel textcolor rgb '#24292f'
set key at screen 0.975, screen from_top(44) right top horizontal reverse Left samplen 2 \
    textcolor rgb '#24292f'
set grid xtics linecolor rgb '#d0d7de' linewidth 1
