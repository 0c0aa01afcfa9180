package storage

import (
	"errors"
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

// syncData writes a file's data through to the disk, without times that nobody reads.
func syncData(f *os.File) error { return syscall.Fdatasync(int(f.Fd())) }
