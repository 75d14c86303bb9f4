module github.com/skein/tools/measure

go 1.24
