//go:build !linux

package storage

import "os"

// preallocate leaves a file to grow as it is written.
func preallocate(*os.File, int64) error { return nil }

// syncData writes a file through to the disk.
func syncData(f *os.File) error { return f.Sync() }
