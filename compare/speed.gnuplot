# What all pictures of ./kvlab compare share; plot.py loads it.
set multiplot layout rows,2 columnsfirst downwards rowsfirst \
  title heading font ",16" margins 0.07,0.985,0.10/rows+0.0,0.98-0.11/rows \
  spacing 0.075,0.16/rows*1.2
set grid ytics linecolor rgb "#e4e4e4" linewidth 0.8
set border 3 linecolor rgb "#555555"
set tics nomirror
