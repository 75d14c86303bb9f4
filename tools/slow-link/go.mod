module github.com/skein/tools/slow-link

go 1.24
