module github.com/skein/front

go 1.24
