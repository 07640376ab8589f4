# throughput.gp: messages a second through push, take and finish, of each contender.
rows = system('wc -l <'.data) + 0
height_px = 124 + 34 * rows
heading = 'Push, take and finish: messages a second, 32-byte payloads'
load 'bench/plots/style.gp'
set logscale x
set format x '%.0s %c'
stats data using 3 name 'batched' nooutput
stats data using 4 name 'single' nooutput
least = 10 ** floor(log10(single_min < batched_min ? single_min : batched_min))
most = 6 * (single_max > batched_max ? single_max : batched_max)
first = 'batches of 256'
second = 'one at a time'
load 'bench/plots/bars.gp'
