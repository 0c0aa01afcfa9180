/*
Package pages reads bbolt files without trusting them.

bbolt maps a file and follows what its pages say. Its pages have no checksums: a flipped
bit may lead it to a page that isn't there (a fault that ends the process), around in a
circle, or silently past what is stored. This package reads page by page, checks each
before it is used, and goes on behind those that are damaged. It never writes, and must
not read while a bbolt transaction is written.

The layout is that of bbolt's file format, version 2: go.etcd.io/bbolt/internal/common,
meta.go and page.go.
*/
package pages
