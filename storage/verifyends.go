package storage

import (
	"context"
	"errors"
	"fmt"

	"github.com/skewatch/skewatch/storage/pages"
)

// heads tells of the signed heads that the history has never come to.
func (v *inspector) heads() {
	if v.history == nil {
		return
	}
	v.path = v.store.segments.directory
	for size := range v.roots {
		if size > v.history.size {
			v.note("the history", fmt.Sprintf("it ends after %d rounds, short of %s", v.history.size, v.signed[size]))
		}
	}
}

// tails tells what was found in the tails when they were read.
func (v *inspector) tails() {
	s := v.store
	for _, d := range s.found {
		v.noteIn(d.File, d.Record, d.Problem)
	}
	v.path = s.directory
	for _, r := range v.unsealed {
		if r.first > v.next && v.next != 0 {
			v.missing(v.next, r.first-1)
		}
		v.next = r.last() + 1
		v.seen.Unsealed += uint64(r.count)
	}
}

// state goes through state.db.
func (v *inspector) state() error {
	s := v.store
	if s.state == nil {
		return nil
	}
	v.path = statePath(s.directory)
	var damaged []pages.Damage
	err := s.state.read(func(f *pages.File) error {
		f.Check(func(d pages.Damage) { damaged = append(damaged, d) })
		return nil
	})
	v.notePages(damaged)
	for _, bucket := range append([]string{bucketMeta}, stateBuckets...) {
		if err != nil {
			break
		}
		err = scan(context.Background(), s.state, bucket, []byte{}, func(pages.Damage) {}, func(k, value []byte) choice {
			if v.seen.States++; sound(k, value) {
				return pass
			}
			return take
		}, func(k, _ []byte) error {
			v.note(fmt.Sprintf("%s %q", bucket, k), failsChecksum)
			return nil
		})
	}
	var found *DamageError
	if errors.As(err, &found) {
		v.note(found.Record, found.Problem)
		return nil
	}
	return err
}
