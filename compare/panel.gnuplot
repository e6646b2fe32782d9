# One row of panels per number of threads: decode on the left, prefill on the
# right.
set lmargin at screen left(0)
set rmargin at screen right(0)
set bmargin at screen lower(top)
set tmargin at screen upper(top)
set title "decode, ".words offset 0,-0.5
set xlabel "tokens in the cache" offset 0,0.4
set ylabel "tokens per second" offset 1,0
set xrange [0:1050]
set yrange [0:*]
set xtics (50, 200, 500, 1000)
eval("plot ".decode)
# The title and the legend are drawn once.
unset label
unset arrow

set lmargin at screen left(1)
set rmargin at screen right(1)
set title "prefill, ".words offset 0,-0.5
set xlabel "tokens in the prompt" offset 0,0.4
set xrange [-0.9:last_bar]
set yrange [0:ceiling]
eval("set xtics (".tics.")")
set boxwidth 0.82
set style fill solid 0.85 border
set label 2 "multiply-add peak of the machine" at graph 0.01,first peak \
  offset 0,0.8 textcolor rgb "#777777" font ",11"
plot prefill using 1:($6 == 0 ? $2 : NaN):5 with boxes linecolor rgb variable, \
  prefill using 1:($6 == 1 ? $2 : NaN):5 with boxes fill pattern 4 \
    linecolor rgb variable, \
  prefill using 1:3:(0):($4-$3) with vectors nohead linewidth 1.4 \
    linecolor rgb "#333333", \
  roof using 1:2:3:(0) with vectors nohead linewidth 1.4 linecolor rgb "#8a8a8a"
unset label 2
