# One number of threads: decoding on the left, prefill on the right.
words = threads eq "1" ? "1 thread" : threads." threads"
set title "decode, ".words offset 0,-0.6
set xlabel "tokens in the cache" offset 0,0.5
set ylabel "tokens per second" offset 1,0
set xrange [0:1050]
set yrange [0:*]
set xtics (50, 200, 500, 1000)
set key top right Right samplen 2.2 spacing 1.0 font ",10" maxrows 5 opaque
eval("plot ".decode)
set title "prefill, ".words offset 0,-0.6
unset key
set xlabel "prompt" offset 0,0.5
set xrange [-0.9:last_bar]
eval(set_tics)
set boxwidth 0.82
set style fill solid 0.85
plot prefill using 1:($6 == 0 ? $2 : NaN):5 with boxes lc rgb variable, \
  prefill using 1:($6 == 1 ? $2 : NaN):5 with boxes fill pattern 4 lc rgb variable, \
  prefill using 1:2:3:4 with yerrorbars pt 7 ps 0.1 lc rgb "#333333"
