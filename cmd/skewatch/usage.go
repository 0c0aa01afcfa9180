package main

// rootUsage is what skewatch says of itself.
const rootUsage = `Skewatch is a central syslog server that knows what time it is on every host
that logs to it.

Usage:
  skewatch COMMAND [FLAG ...]

Commands:
  demo        show all of it with made-up hosts; leaves nothing behind
  serve       receive syslog, judge the hosts' clocks, answer the other commands
  tail        follow the warnings, or with --messages the messages
  warnings    show the warnings that are open
  silence     keep people from being told of some hosts' warnings for a time
  acknowledge say that somebody sees to a warning
  hosts       show the clock of every host
  report      export the skew of every host over a period
  search      print stored messages
  timeline    put the messages of many hosts into the order they were written in
  analyze     judge the clocks in an archive that kept both times of its messages
  simulate    have made-up hosts with known clocks send, and score a report
  verify      go through all that is stored: checksums, gaps, signed history
  archive     copy old messages to another directory
  export      write stored messages as NDJSON, CSV, Parquet or for Elasticsearch
  notify      test the outputs that warnings are sent to
  forward     test the receivers that messages are sent on to
  rules       list the rules over messages that come along, and try rules on log files
  sources     show the NTP sources and the collector's own clock
  check       be a monitoring plugin: one line and an exit code
  config      check or show the configuration
  version     print the version
  completion  print the shell's completion script (bash, zsh, fish, powershell)

Example, on ports that need no privilege:

  $ skewatch serve --listen-udp :5514 --listen-tcp :5514
`

// helpTemplate lays out the help of every command: the text of the command
// itself, which begins with what it does and how it is called; its flags; an
// example.
const helpTemplate = `{{with or .Long .Short}}{{. | trimTrailingWhitespaces}}{{end}}
{{if and .HasParent .HasAvailableLocalFlags}}
Flags:
{{.LocalFlags.FlagUsagesWrapped 96 | trimTrailingWhitespaces}}
{{end}}{{if .HasExample}}
Example:
{{.Example}}
{{end}}`
