/*
Package storage keeps syslog messages, and what was concluded from them, in
bbolt files under one data directory.

# Messages

Append numbers the messages of a batch and puts them in memory; a group commit
follows every Options.CommitEvery, or at once when somebody waits in Sync. What
Append took is therefore lost by a hard kill for at most CommitEvery plus the
time of one commit. What Sync confirmed survives a power cut too, as far as the
disk keeps its word.

Of a message these are kept: Sequence, Received, PreviousRead, MinRTT, Source,
StampedBy, Transport, Trust, Truncated, Priority, Sent, Host and Raw, each bit
for bit. AppName, ProcID, MsgID, StructuredData, Text and TimeQuality are parts
of Raw: whoever needs them parses Raw again.

Sequence numbers start at 1 and have no gaps. A number given to a message that a
kill took before its commit is given again after the restart, so nothing that
outlives the process may name a number that Sync hasn't confirmed. Checkpoint
sees to that for the states.

# Files

	state.db                           states, roll-ups, findings, reference
	segments/00000000000000000001.db   messages from sequence 1 on
	segments/00000000000004711000.db   messages from sequence 4711000 on

A segment's bucket maps the sequence of a record's first message (8 bytes,
big-endian) to the record: a header with the number of messages and the range of
their receive times, so that a query by time passes over a record without
decoding it, and the messages in a compact coding. Header and messages carry a
CRC32C each (bbolt has none), as does every value in state.db.

Only the last segment is written. Each file names its schema; a file of another
schema is refused with ErrSchema.

# Caveats

One process at a time may write, and none reads the files while it does: a
reader asks the server instead. Processes that only read may share a directory.

Readers copy a batch of records in a short transaction and call back outside of
it, so that a reader that takes its time delays no commit. States is the
exception, and says so.

The messages handed to the function given to Messages are valid until it
returns.
*/
package storage
