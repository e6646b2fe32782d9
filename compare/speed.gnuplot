# Shared by all panels of a picture of ./kvlab compare; plot.py loads it.
set multiplot
set label 1 heading at screen 0.5,screen 1-20.0/height center font ",16"
set grid ytics linetype 1 linecolor rgb "#e2e2e2" linewidth 0.8
set border 3 linecolor rgb "#555555"
set tics nomirror
set key off
# The area of a panel that begins `top` pixels below the upper edge.
left(column) = (column == 0 ? 85.0 : 650.0) / width
right(column) = (column == 0 ? 550.0 : 1080.0) / width
lower(top) = 1 - (top + 290.0) / height
upper(top) = 1 - top / height
