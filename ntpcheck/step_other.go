//go:build !linux

package ntpcheck

import (
	"context"
	"errors"
	"time"
)

func slept() time.Duration { return 0 }

// NoticeSets is for Linux.
func NoticeSets(context.Context, func()) error { return errors.ErrUnsupported }
