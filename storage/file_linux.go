package storage

import (
	"errors"
	"math"
	"os"
	"syscall"
)

// preallocate gives a file its size and its place on the disk.
func preallocate(f *os.File, size int64) error {
	err := syscall.Fallocate(int(f.Fd()), 0, 0, size)
	if errors.Is(err, syscall.EOPNOTSUPP) || errors.Is(err, syscall.ENOSYS) {
		return nil // it grows as it is written
	}
	return err
}

// freeBytes returns how much room there is where a directory is.
func freeBytes(directory string) int64 {
	var s syscall.Statfs_t
	if err := syscall.Statfs(directory, &s); err != nil {
		return math.MaxInt64 / 2
	}
	return int64(s.Bavail) * int64(s.Bsize)
}

// syncData writes a file's data through to the disk, without times that nobody reads.
func syncData(f *os.File) error { return syscall.Fdatasync(int(f.Fd())) }
