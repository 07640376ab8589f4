# memory.gp: bytes per message of each contender, ready and leased.
rows = system('wc -l <'.data) + 0
height_px = 144 + 34 * rows
heading = 'Bytes per message: 10,000 messages of 32 bytes'
load 'bench/plots/style.gp'
set xlabel 'bytes per message'
stats data using 8 nooutput
least = 0
most = 1.12 * STATS_max
first = 'ready'
second = 'leased'
load 'bench/plots/bars.gp'
