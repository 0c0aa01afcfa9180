/*
Package storage keeps syslog messages, and what was concluded from them, in
bbolt files under one data directory.

# Messages

Append numbers the messages of a batch and puts them in memory; every
Options.CommitEvery they are written to the tail, and within a second synced, or at
once when somebody waits in Sync. What Append took is therefore lost by a hard kill
for at most CommitEvery plus the time of one write, and by a power cut for a second
more. What Sync confirmed survives both, as far as the disk keeps its word.

When the tail is full or a minute old, its messages are sealed: sorted by originator
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

A segment's bucket holds blocks in chunks of 2,000 bytes; their keys are the first
sequence of the round that was sealed together, the partition, the first sequence of
the block, and the chunk's number. A block's header has the range of its receive times and the
originators in it, so that a query passes over what it has no business with, and a
CRC32C of its own; so have the block's body (bbolt has none), every record of a tail
and every value in state.db.

Only the last segment is written. Each file names its schema; a file of another
schema is refused with ErrSchema.

# Caveats

One process at a time may write, and none reads the files while it does: a
reader asks the server instead. Processes that only read may share a directory.

Readers copy the blocks of a round in a short transaction and call back outside of
it, so that a reader that takes its time delays no commit. States is the
exception, and says so.

The messages handed to the function given to Messages are valid until it
returns.
*/
package storage
