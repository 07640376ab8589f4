# throughput.gp: messages per second through push, reserve and ack, of each contender.
rows = system('wc -l <'.data) + 0
height_px = 144 + 34 * rows
heading = 'Push, reserve, ack: messages per second, 32-byte payloads'
load 'bench/plots/style.gp'
set logscale x
set format x '%.0s %c'
set xlabel 'messages per second (log scale)'
stats data using 7:8 nooutput
least = 10 ** floor(log10(STATS_min_x))
most = 6 * STATS_max_y
first = 'batches of 256'
second = 'one at a time'
load 'bench/plots/bars.gp'
