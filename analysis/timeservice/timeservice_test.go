package timeservice

import (
	"strings"
	"testing"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/collector/parse"
)

func parsed(line string) *message.Message {
	m := &message.Message{}
	parse.Parse([]byte(line), m)
	return m
}

// TestRecognise holds the phrases against lines as the programs write them.
func TestRecognise(t *testing.T) {
	tests := []struct {
		line    string
		kind    analysis.SayingKind // "" for none
		seconds float64
	}{
		{"<28>Nov 21 12:01:07 web1 chronyd[611]: System clock wrong by -2.246459 seconds", analysis.SaidWrong, -2.246459},
		{"<28>Nov 21 12:01:07 web1 chronyd[611]: System clock was stepped by 3.206284 seconds", analysis.SaidMoved, 3.206284},
		{"<28>Nov 21 12:01:07 web1 chronyd[611]: Forward time jump detected!", analysis.SaidMoved, 0},
		{"<28>Nov 21 12:01:07 web1 chronyd[611]: Backward time jump detected!", analysis.SaidMoved, 0},
		{"<30>Nov 21 12:01:07 web1 chronyd[611]: Selected source 192.0.2.1 (ntp1.example)", analysis.SaidSelected, 0},
		{"<28>Nov 21 12:01:07 web1 chronyd[611]: Can't synchronise: no majority", analysis.SaidLost, 0},
		{"<28>Nov 21 12:01:07 web1 chronyd[611]: Can't synchronise: no selectable sources", analysis.SaidLost, 0},
		{"<30>Nov 21 12:01:07 web1 chronyd[611]: chronyd version 4.3 starting (+CMDMON +NTP)", "", 0},
		{"<28>Nov 21 12:01:07 web1 ntpd[611]: time reset +3.201340 s", analysis.SaidMoved, 3.20134},
		{"<29>Nov 21 12:01:07 web1 ntpd[611]: 0.0.0.0 c61c 0c clock_step -37.500000 s", analysis.SaidMoved, -37.5},
		{"<29>Nov 21 12:01:07 web1 ntpd[611]: 0.0.0.0 0617 07 panic_stop +3600 s; set clock manually within 1000 s.", analysis.SaidWrong, 3600},
		{"<29>Nov 21 12:01:07 web1 ntpd[611]: time correction of 1234.5 seconds exceeds sanity limit (1000); set clock manually to the correct UTC time.", analysis.SaidWrong, 1234.5},
		{"<29>Nov 21 12:01:07 web1 ntpd[611]: synchronized to 192.0.2.1, stratum 2", analysis.SaidSelected, 0},
		{"<29>Nov 21 12:01:07 web1 ntpd[611]: no servers reachable", analysis.SaidLost, 0},
		{"<29>Nov 21 12:01:07 web1 ntpdate[700]: step time server 192.0.2.1 offset 0.762403 sec", analysis.SaidMoved, 0.762403},
		{"<27>Nov 21 12:01:07 web1 ntpd[611]: step_systime: Operation not permitted", analysis.SaidMoved, 0},
		{"<99>Jul 13 22:53:14  re0.edge01.bjm01 xntpd[16015]: NTP Server 1.2.3.4 is Unreachable", analysis.SaidLost, 0},
		{"<30>Nov 21 12:01:07 web1 systemd-timesyncd[400]: Synchronized to time server 192.0.2.1:123 (ntp.example).", analysis.SaidSelected, 0},
		{"<30>Nov 21 12:01:07 web1 systemd-timesyncd[400]: Initial clock synchronization to Sat 2026-11-21 12:01:07.000000 UTC.", analysis.SaidMoved, 0},
		{"<30>Nov 21 12:01:07 web1 systemd-timesyncd[400]: System clock time unset or jumped backwards, restoring from recorded timestamp: Sat 2026-11-21 12:01:07 UTC", analysis.SaidMoved, 0},
		{"<30>Nov 21 12:01:07 web1 systemd-timedated[410]: Changed local time to Sat Nov 21 13:01:07 2026", analysis.SaidSet, 0},
		{"<30>Nov 21 12:01:07 web1 systemd[1]: Time has been changed", analysis.SaidMoved, 0},
		{"<30>Nov 21 12:01:07 web1 systemd[1]: Started Session 5 of User alice.", "", 0},
		{"<5>Dec 31 23:59:59 web1 kernel: [123456.789012] Clock: inserting leap second 23:59:60 UTC", analysis.SaidLeap, 0},
		{"<85>Nov 21 12:01:07 web1 sudo:    alice : TTY=pts/0 ; PWD=/home/alice ; USER=root ; COMMAND=/usr/bin/date -s 12:00", analysis.SaidSet, 0},
		{"<85>Nov 21 12:01:07 web1 sudo:    alice : TTY=pts/0 ; PWD=/home/alice ; USER=root ; COMMAND=/usr/bin/timedatectl set-time 12:00", analysis.SaidSet, 0},
		{"<85>Nov 21 12:01:07 web1 sudo:    alice : TTY=pts/0 ; PWD=/home/alice ; USER=root ; COMMAND=/usr/bin/date", "", 0},
		{"<37>Nov 21 12:01:07 bsd1 date[900]: date set by alice", analysis.SaidSet, 0},
		{"<14>1 2026-11-21T12:01:07Z DC1 Microsoft-Windows-Time-Service 600 - - The time service is now synchronizing the system time with the time source dc2.example (ntp.d|0.0.0.0:123->192.0.2.1:123).", analysis.SaidSelected, 0},
		{"<14>1 2026-11-21T12:01:07Z DC1 Microsoft-Windows-Time-Service 600 - - The time service has detected that the system time needs to be changed by -3600 seconds. The time service will not change the system time by more than 54000 seconds.", analysis.SaidWrong, -3600},
		{"<14>1 2026-11-21T12:01:07Z DC1 Microsoft-Windows-Time-Service 600 - - The time service has not synchronized the system time for 86400 seconds because none of the time service providers provided a usable time stamp.", analysis.SaidLost, 0},
		{"<14>1 2026-11-21T12:01:07Z DC1 Microsoft-Windows-Kernel-General 4 - - The system time has changed to 2026-11-21T12:01:07.500000000Z from 2026-11-21T12:01:04.299000000Z.", analysis.SaidMoved, 0},
		{"<189>29: sw1: *Apr 29 13:58:40.411 UTC: %SYS-6-CLOCKUPDATE: System clock has been updated from 13:58:40 UTC Mon Apr 29 2026 to 14:58:40 UTC Mon Apr 29 2026, configured from console by admin on vty0 (10.0.0.5).", analysis.SaidSet, 0},
		{"<189>30: .Apr 29 13:58:40.411: %NTP-5-PEERSYNC: NTP synced to peer 10.0.0.1", analysis.SaidSelected, 0},
		{"<188>30: Apr 29 13:58:40.411: %NTP-4-UNSYNC: NTP sync is lost", analysis.SaidLost, 0},
		{"<99>2647599: device3 RP/0/RSP0/CPU0:Aug 21 09:39:14.747 UTC: ntpd[262]: %IP-IP_NTP-5-SYNC_LOSS : Synchronization lost : 172.17.17.1 : The association was removed", analysis.SaidLost, 0},
		{"<189>30: Apr 29 13:58:40.411: %SYS-5-RESTART: System restarted --", "", 0},
		{"<13>Nov 21 12:01:07 web1 app: System clock wrong by 3.2 seconds", "", 0},
		{"<13>Nov 21 12:01:07 web1 chronyd", "", 0},
	}
	for _, tt := range tests {
		s := Recognise(parsed(tt.line))
		if (s != nil) != (tt.kind != "") || s != nil && (s.Kind != tt.kind || s.Seconds != tt.seconds || s.Text == "" || s.Service == "") {
			t.Errorf("%s\n says %+v, want %q, %v s", tt.line, s, tt.kind, tt.seconds)
		}
	}
}

// TestPhrasesAreReached holds that no phrase stands behind one that hides it.
func TestPhrasesAreReached(t *testing.T) {
	for name, phrases := range programs {
		for i, p := range phrases {
			for _, before := range phrases[:i] {
				if p.expression == nil && before.literal != p.literal && strings.Contains(p.literal, before.literal) {
					t.Errorf("%s: %q is never reached behind %q", name, p.literal, before.literal)
				}
			}
		}
	}
}

func BenchmarkRecogniseOrdinary(b *testing.B) {
	m := parsed("<134>1 2026-11-21T10:00:00.123456Z web1 app 4711 - - order 8412 was paid in 23 ms by card")
	for b.Loop() {
		if Recognise(m) != nil {
			b.Fatal("an order says something of a clock")
		}
	}
}
