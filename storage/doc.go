/*
Package storage keeps syslog messages, and what was concluded from them, in
bbolt files under one data directory.

# Messages

Append numbers the messages of a batch and puts them in memory; every
Options.CommitEvery they are written to the tail, and within a second synced, or at
once when somebody waits in Sync. What Append took is therefore lost by a hard kill
for at most CommitEvery plus the time of one write, and by a power cut for a second
more. What Sync confirmed survives both, as far as the disk keeps its word.

When the tail is full or five minutes old, its messages are sealed: sorted by originator
into blocks, in columns packed with zstd, which go into a segment in one transaction.
There are two tails: while one is sealed the other takes what comes.

Of a message these are kept: Sequence, Received, PreviousRead, MinRTT, Source,
StampedBy, Transport, Trust, Truncated, Priority, Sent, Host and Raw, each bit
for bit. AppName, ProcID, MsgID, StructuredData, Text and TimeQuality are parts
of Raw: whoever needs them parses Raw again.

Sequence numbers start at 1 and have no gaps. A number given to a message that a
kill took before it was written is given again after the restart, so nothing that
outlives the process may name a number that Sync hasn't confirmed. Checkpoint
sees to that for the states.

# Files

	state.db                           states, roll-ups, findings, reference; its
	                                   pages are used again, never given back
	tail.0, tail.1                     messages that aren't sealed yet
	segments/00000000000000000001.db   messages from sequence 1 on
	segments/00000000000004711000.db   messages from sequence 4711000 on
	signing.key, signing.pub           the key that the history is signed by
	removed                            from which message on there are segments, signed
	lock                               its lock is the directory's

A segment holds a day or Options.SegmentBytes; only the last one is written. In its
bucket of blocks stand chunks of 2,000 bytes, whose keys are the first sequence of the
round that was sealed together, the partition, the first sequence of the block, and the
chunk's number. A block's header has the ranges of its times and the originators in it,
so that a query passes over what it has no business with. The bucket of rounds has a
manifest for each: its ranges, and each block's size and SHA-256.

Each file names its schema; a file of another schema is refused with ErrSchema.

# History

The manifests of all rounds ever sealed are the records of a Merkle tree (RFC 6962). With
each round stands the head of the tree that ends with it, signed; each segment begins
with what is needed to go on from the one before it, and so can be verified by itself.
A block that was changed, a round that was cut out or exchanged, or an end that was cut
off shows in Verify, by its place. What retention or Archive removed is noted, and
signed, in the file removed.

# Damage

bbolt writes the files but doesn't read them: it would follow a damaged page into a fault
or around in a circle. Reading goes by package pages, which trusts no page. Every block
has CRC32Cs of its own, and so have every record of a tail and every other value.

What is damaged is passed over, told of in a *DamageError, and read around. A segment
that can't be written any more is left as it is, and the next one begun; one that can't
be read at all is set aside (renamed), as is a damaged state.db, of which all that is
sound is carried over to a new one. While the disk is full Append and Sync fail, reading
goes on, and writing too as soon as there is room.

# Caveats

One process at a time may write, and none reads the files while it does: a
reader asks the server instead. Processes that only read may share a directory.

Readers copy the blocks of a round and call back when they have let go of the file, so
that a reader that takes its time delays no commit. States is the exception, and says
so.

The messages handed to the function given to Messages are valid until it
returns.
*/
package storage
