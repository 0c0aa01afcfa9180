// Package ntpcheck measures our own clock against NTP servers and says whether
// it may judge other clocks, and by how much it is off.
//
// A [Monitor] asks several servers, keeps the best of each one's recent replies
// (RFC 5905, section 10), lets the majority decide who tells the truth (section
// 11.2.1) and combines those into one [Reference].
//
// Servers may prove that their replies are their own, by a symmetric key or by NTS
// (RFC 8915); one that is to prove it and doesn't is never used in plain. What looks
// like an attack is a [Notice].
//
// What majorities agreed on makes a [Track]: a line through the last hours, so that a
// correction doesn't follow each sample's noise, with a bound that holds whatever the line
// is. While no majority renews it, the bound grows by what the samples left open of our
// clock's rate, or 15 ppm where they don't tell it ([Holdover]).
//
// A [StepWatch] notices when somebody sets our clock, as long as the program runs, and
// [Monitor.Stepped] has it measured again. What the kernel and chronyd say of it stands
// beside the measurement and is never part of it while there is one.
//
// All offsets here have the sign of RFC 5905: they are what must be added to our
// clock to get true time. That is the opposite of a host's offset elsewhere in
// this module, which is positive when the host is ahead.
package ntpcheck
