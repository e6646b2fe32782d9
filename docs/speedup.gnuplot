# Draws speedup.svg from speedup.csv; ./draw_speedup calls it.
set terminal svg size 820,500 font "Helvetica,Arial,sans-serif,15" \
  background rgb "white" linewidth 1.4
set output "speedup.svg"
set datafile separator comma
set datafile columnheaders

machine = system("sed -n 's/^# //p' speedup.csv")
set title "How many times faster a KV cache generates n tokens\n{/*0.8 GPT-2 of 4 layers, width 256, float16 weights, batch 1, on ".machine."}"
set xlabel "n, new tokens (logarithmic)"
set ylabel "speedup over recomputing the whole text (logarithmic)"
set logscale xy
set xrange [9:1150]
set yrange [1:700]
set xtics (10, 20, 50, 100, 200, 500, 1000)
set ytics ("1×" 1, "2×" 2, "5×" 5, "10×" 10, "20×" 20, "50×" 50, \
  "100×" 100, "200×" 200, "500×" 500)
set grid linecolor rgb "#e4e4e4" linewidth 0.8
set border 3 linecolor rgb "#555555"
set tics nomirror
set key top left reverse Left samplen 2.5 spacing 1.25

$course << END
tokens,speedup
50,5
100,10
200,20
500,50
END

plot "speedup.csv" using 1:8 with lines dashtype 2 linewidth 1.6 \
    linecolor rgb "#999999" \
    title "ceiling: work saved (multiply-accumulates, counted)", \
  "speedup.csv" using 1:5:6:7 with yerrorbars pointtype 7 pointsize 0.3 \
    linecolor rgb "#1f6fb4" notitle, \
  "speedup.csv" using 1:5 with linespoints pointtype 7 pointsize 0.7 \
    linewidth 2.2 linecolor rgb "#1f6fb4" \
    title "measured speedup, median and range", \
  $course using 1:2 with points pointtype 9 pointsize 1.1 \
    linecolor rgb "#d1495b" title "what the course asks for full points", \
  $course using 1:2:(sprintf("%d×", $2)) with labels offset 0,-1.1 \
    textcolor rgb "#d1495b" notitle
