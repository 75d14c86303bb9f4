module github.com/skein/tools/one-binary

go 1.24.0
