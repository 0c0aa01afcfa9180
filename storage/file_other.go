//go:build !linux

package storage

import (
	"math"
	"os"
)

// preallocate leaves a file to grow as it is written.
func preallocate(*os.File, int64) error { return nil }

// freeBytes is for systems that aren't asked.
func freeBytes(string) int64 { return math.MaxInt64 / 2 }

// syncData writes a file through to the disk.
func syncData(f *os.File) error { return f.Sync() }
