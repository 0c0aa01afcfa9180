package storage

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gofrs/flock"
	"github.com/sirupsen/logrus"
	"golang.org/x/mod/sumdb/note"
)

// Options are the settings of a Store. The zero value is a good one.
type Options struct {
	// ReadOnly opens what is there, without changing or creating anything. Any
	// number of processes may do so at once, but none while another writes.
	ReadOnly bool

	// CommitEvery is how long messages gather before they are written together;
	// 0 stands for 100 ms. A hard kill takes that much and the time of a write.
	CommitEvery time.Duration

	// TailBytes is how much is gathered in the tail before it is sealed into blocks; 0
	// stands for 8 MiB. SealEvery is after how long it is sealed at the latest; 0 stands
	// for five minutes: the longer, the better blocks pack.
	TailBytes int64
	SealEvery time.Duration

	// MaxPending is how many bytes may wait for the disk before Append blocks;
	// 0 stands for 4 MiB. A batch that finds room is always taken whole.
	MaxPending int

	// SegmentBytes is the size at which a new segment file is begun; 0 stands for
	// 1 GiB, or 128 MiB where addresses have 32 bits. A segment may exceed it by
	// what one tail holds. SegmentSpan is how much receive time a segment holds;
	// 0 stands for a day.
	SegmentBytes int64
	SegmentSpan  time.Duration

	// Log is told when writing begins to fail and when it goes on; nil for no log.
	Log logrus.FieldLogger
}

func (o Options) withDefaults() Options {
	o.CommitEvery = cmp.Or(o.CommitEvery, 100*time.Millisecond)
	o.TailBytes = cmp.Or(o.TailBytes, 8<<20)
	o.SealEvery = cmp.Or(o.SealEvery, 5*time.Minute)
	o.MaxPending = cmp.Or(o.MaxPending, 4<<20)
	o.SegmentBytes = cmp.Or(o.SegmentBytes, defaultSegmentBytes())
	o.SegmentSpan = cmp.Or(o.SegmentSpan, 24*time.Hour)
	if o.Log == nil {
		silent := logrus.New()
		silent.SetOutput(io.Discard)
		o.Log = silent
	}
	return o
}

func defaultSegmentBytes() int64 {
	if bits.UintSize == 32 {
		return 128 << 20
	}
	return 1 << 30
}

// A Store keeps messages and states in one data directory. Its methods may be
// called from several goroutines at once.
type Store struct {
	directory string
	options   Options
	lock      *flock.Flock
	state     *database // nil in an archive, which has none
	segments  *segments
	signer    note.Signer // nil in a store that is only read

	tails [2]*tail

	// The sealing goroutine's own.
	active  *segment // nil while a damaged one couldn't be replaced yet
	summary summary  // of the active segment
	set     blockSet

	turnFailure error // of the commit goroutine: of the latest turn to a new round

	wake     chan struct{} // asks for a commit now; holds one request
	rounds   chan *round   // to be sealed; holds one
	stop     chan struct{} // closed by Close
	done     chan struct{} // closed after the last commit
	sealDone chan struct{} // closed after the last sealing

	mu          sync.Mutex
	pending     queue
	readers     int           // calls of Messages, which may be reading unsealed records
	current     *round        // takes what is written
	sealing     *round        // is being sealed; nil if none is
	last        uint64        // newest sequence given out
	written     uint64        // newest sequence in a tail
	committed   uint64        // newest sequence that would survive a power cut
	blocksTo    uint64        // newest sequence in a segment
	history     *history      // up to that one
	head        []byte        // the same, signed; nil before anything is sealed
	synced      time.Time     // when the tail was synced last
	syncWanted  bool          // somebody waits for that
	failure     error         // of the latest commit; nil when it went well
	sealFailure error         // of the latest sealing
	found       []DamageError // in the tails, when the store was opened
	closed      bool          // nothing is taken any more
	changed     chan struct{} // closed and replaced after each commit and sealing, and by Close
}

// Open opens the data directory, and creates it if need be. It fails at once
// with ErrInUse when another process has it open, and with ErrSchema when a file
// isn't of the layout this version knows.
func Open(directory string, o Options) (*Store, error) {
	s := &Store{
		directory: directory,
		options:   o.withDefaults(),
		wake:      make(chan struct{}, 1),
		stop:      make(chan struct{}),
		rounds:    make(chan *round, 1),
		done:      make(chan struct{}),
		sealDone:  make(chan struct{}),
		changed:   make(chan struct{}),
	}
	if err := s.open(); err != nil {
		s.closeFiles()
		return nil, fmt.Errorf("storage: open %s: %w", directory, err)
	}
	if o.ReadOnly {
		close(s.done)
	} else {
		go s.sealLoop()
		go s.commitLoop()
	}
	return s, nil
}

func (s *Store) open() (err error) {
	segmentDir := filepath.Join(s.directory, segmentDirectory)
	if !s.options.ReadOnly {
		if err := createDirectories(s.directory, segmentDir); err != nil {
			return err
		}
	}
	if err := s.lockDirectory(); err != nil {
		return err
	}
	if s.segments, err = openSegments(segmentDir); err != nil {
		return err
	}
	s.segments.mapped = mapSize(s.options.SegmentBytes + 2*s.options.TailBytes)
	if err := s.openState(); err != nil {
		return err
	}
	if s.options.ReadOnly {
		if _, err := s.findSealed(); err != nil {
			return err
		}
		return s.readTails()
	}
	if s.signer, err = openSigner(s.directory); err != nil {
		return err
	}
	return s.resume()
}

// createDirectories makes directories whose names survive a power cut.
func createDirectories(paths ...string) error {
	for _, path := range paths {
		if _, err := os.Stat(path); err == nil {
			continue
		}
		if err := os.MkdirAll(path, 0o700); err != nil {
			return err
		}
		if err := syncDirectory(filepath.Dir(path)); err != nil {
			return err
		}
	}
	return nil
}

// lockName is the file whose lock is the directory's.
const lockName = "lock"

// lockDirectory makes sure that nobody writes here, or when this store is to write, that
// nobody reads either. What was never opened to write has no lock, and needs none.
func (s *Store) lockDirectory() error {
	path := filepath.Join(s.directory, lockName)
	if !s.options.ReadOnly {
		s.lock = flock.New(path, flock.SetPermissions(0o600))
		return inUse(s.lock.TryLock())
	}
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	s.lock = flock.New(path, flock.SetFlag(os.O_RDONLY))
	return inUse(s.lock.TryRLock())
}

func inUse(locked bool, err error) error {
	if err == nil && !locked {
		return ErrInUse
	}
	return err
}

// Directory returns the path that the store was opened by.
func (s *Store) Directory() string { return s.directory }

// Last returns the newest sequence given out, 0 before the first. Of a store
// opened for reading it is the newest in the files.
func (s *Store) Last() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

// Close commits what is pending and closes the files. Its error says when the
// last commit failed, and so how many messages are lost. Later calls do nothing.
func (s *Store) Close() error {
	s.mu.Lock()
	again := s.closed
	s.closed = true
	if !again {
		s.broadcast()
		close(s.stop)
	}
	s.mu.Unlock()
	<-s.done
	if again {
		return nil
	}
	if err := errors.Join(s.lost(), s.writeEnd(), s.closeFiles()); err != nil {
		return fmt.Errorf("storage: close %s: %w", s.directory, err)
	}
	return nil
}

// lost describes the messages that the last commit could not write.
func (s *Store) lost() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failure == nil || s.written == s.last {
		return nil
	}
	return fmt.Errorf("messages %d to %d are lost: %w", s.written+1, s.last, s.failure)
}

func (s *Store) closeFiles() error {
	var errs []error
	for _, t := range s.tails {
		if t != nil {
			errs = append(errs, t.file.Close())
		}
	}
	if s.segments != nil {
		errs = append(errs, s.segments.close())
	}
	if s.state != nil {
		errs = append(errs, s.state.close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(errs...)
}
