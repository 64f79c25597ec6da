package jsfunc

import "time"

// stopwatch ends a call once it has run for some time, pauses not counted. A nil one does nothing.
type stopwatch struct {
	left  time.Duration
	since time.Time // when it went on
	timer *time.Timer
}

func newStopwatch(d time.Duration, end func()) *stopwatch {
	return &stopwatch{left: d, since: time.Now(), timer: time.AfterFunc(d, end)}
}

func (s *stopwatch) pause() {
	if s != nil {
		s.timer.Stop() // if it is too late for that, the call ends as it must
		s.left -= time.Since(s.since)
	}
}

func (s *stopwatch) resume() {
	if s != nil {
		s.since = time.Now()
		s.timer.Reset(max(s.left, 0))
	}
}
