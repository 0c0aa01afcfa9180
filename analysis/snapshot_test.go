package analysis

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"
)

// halfway returns a fleet that has seen some hosts for some time.
func halfway(span time.Duration) *Fleet {
	bad := newHost("db1").coarse()
	bad.offset = constant(-3 * time.Second)
	f := newFleet()
	speak(f, span, 5, newHost("web1"), bad)
	return f
}

func TestSnapshotRestoresTheSameFleet(t *testing.T) {
	a := halfway(20 * time.Minute)
	b := newFleet()
	b.Restore(a.Snapshot().Originators, func(err error) { t.Fatal(err) })
	// What comes after must be judged alike, and nothing told twice.
	for _, f := range []*Fleet{a, b} {
		h := newHost("web1")
		r := rand.New(rand.NewPCG(9, 9))
		for i := range 100 {
			m := h.message(r, 20*time.Minute+time.Duration(i)*time.Second)
			f.Observe(&m)
		}
		if found := f.Refresh(epoch+22*minute, synchronised); len(found) > 0 {
			t.Errorf("found %+v, want nothing: it was told before", found)
		}
	}
	for key, want := range a.originators {
		have := b.originators[key]
		if have == nil {
			t.Fatalf("%q is lost", key)
		}
		if !bytes.Equal(have.encode(), want.encode()) {
			t.Errorf("%q: state differs after restoring", key)
		}
		if have.judged != want.judged || have.interval != want.interval {
			t.Errorf("%q: judged %+v %+v, want %+v %+v", key, have.judged, have.interval, want.judged, want.interval)
		}
	}
}

func TestSnapshotHoldsOnlyWhatChanged(t *testing.T) {
	f := halfway(2 * time.Minute)
	if n := len(f.Snapshot().Originators); n != 3 {
		t.Errorf("first snapshot has %d blobs, want two originators and the fleet", n)
	}
	h := newHost("web1")
	m := h.message(rand.New(rand.NewPCG(1, 1)), 3*time.Minute)
	f.Observe(&m)
	if s := f.Snapshot(); len(s.Originators) != 1 || s.Originators[0].Key != "web1\x00192.0.2.1" {
		t.Errorf("second snapshot has %d originators, want web1 alone", len(s.Originators))
	}
}

func TestStateIsSmall(t *testing.T) {
	f := halfway(3 * time.Hour)
	for key, o := range f.originators {
		if n := len(o.encode()); n > 4<<10 {
			t.Errorf("%q: %d bytes after three hours, want 4096 at the most", key, n)
		}
	}
}

func TestRollUpCoding(t *testing.T) {
	want := halfway(2 * time.Minute).RollUps()[0].RollUp
	b, err := want.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	var have RollUp
	if err := have.UnmarshalBinary(b); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(have, want) {
		t.Errorf("have %+v, want %+v", have, want)
	}
}

// FuzzRestore: whatever stands in the file, restoring it fails or makes a fleet that
// works.
func FuzzRestore(f *testing.F) {
	for _, b := range halfway(10 * time.Minute).Snapshot().Originators {
		f.Add(b.Blob)
		f.Add(b.Blob[:len(b.Blob)/2])
	}
	f.Fuzz(func(t *testing.T, blob []byte) {
		fleet := newFleet()
		key := "web1\x00192.0.2.1"
		sound := true
		fleet.Restore([]Blob{{Key: key, Blob: blob}}, func(error) { sound = false })
		if !sound {
			return
		}
		h := newHost("web1")
		m := h.message(rand.New(rand.NewPCG(1, 1)), time.Hour)
		fleet.Observe(&m)
		fleet.Refresh(epoch+2*hour, synchronised)
		fleet.Identities()
	})
}
