package main

import (
	"context"
	"fmt"
	"io"
	"math/rand"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	// patience is how long a call may bring nothing new; an address where nobody has answered yet may be wrong.
	patience          = time.Minute
	patienceUnreached = 2 * time.Second

	firstPause = 100 * time.Millisecond
	lastPause  = 3 * time.Second

	// maxDoubtful bounds attempts whose failure may be the server's answer.
	maxDoubtful = 3
)

// silences are how long an attempt may bring nothing after so many that did: a proxy may pass some of them on to the
// server that hangs.
var silences = []time.Duration{30, 8, 8, 8, 15, 15, 30, 30, 60}

// attempts are those of one call. docs/clients.md says which failures a call goes on behind.
type attempts struct {
	reached  bool
	brokenAt time.Time // zero: nothing has failed since the last progress
	failures int
	doubts   int
	stalls   int
}

// silence is how long the next attempt may bring nothing.
func (a *attempts) silence() time.Duration {
	return silences[min(a.stalls, len(silences)-1)] * time.Second
}

// progress notes that something new has come.
func (a *attempts) progress() {
	*a = attempts{reached: true}
}

// overcome waits until the call can be made again, or returns the error where there is no point in that. begun: the plan
// has come, now or in an attempt before.
func (a *attempts) overcome(ctx context.Context, err error, begun bool) error {
	if ctx.Err() != nil {
		return err
	}
	if a.brokenAt.IsZero() {
		a.brokenAt = time.Now()
	}
	asked, ok := a.canGoOn(err, begun)
	left := a.patience() - time.Since(a.brokenAt)
	if !ok || left <= asked {
		return err
	}
	backoff := lastPause
	if a.failures < 5 {
		backoff = firstPause << a.failures
	}
	a.failures++
	// Not all callers at once, and not before the server asks for it.
	spread := 0.5 + rand.Float64()/2
	pause := time.Duration(float64(backoff) * spread)
	if wanted := time.Duration(float64(asked) * (1.5 - spread/2)); pause < wanted {
		pause = wanted
	}
	select {
	case <-time.After(minDuration(pause, left)):
		return nil
	case <-ctx.Done():
		return err
	}
}

// canGoOn tells whether a failure is a break, and how long the server asks to wait.
func (a *attempts) canGoOn(err error, begun bool) (asked time.Duration, ok bool) {
	if _, isSilent := err.(silentError); isSilent {
		a.stalls++
		return 0, a.stalls < len(silences)
	}
	failed, isStatus := status.FromError(err)
	if early, isEarly := err.(earlyEnd); isEarly {
		if !begun {
			a.doubts++
		}
		return 0, a.doubts < maxDoubtful && !early.again
	}
	if !isStatus {
		return 0, false
	}
	code := failed.Code()
	a.reached = a.reached || code != codes.Unavailable
	ofService := false
	for _, detail := range failed.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			ofService = detail.GetDomain() == "logah"
		case *errdetails.RetryInfo:
			return detail.GetRetryDelay().AsDuration(), true
		}
	}
	switch {
	case code == codes.Unavailable:
		return 0, true
	case ofService || code == codes.Unauthenticated || code == codes.PermissionDenied:
		return 0, false
	case begun:
		return 0, true
	case code == codes.Internal || code == codes.Unknown || code == codes.Canceled:
		a.doubts++
		return 0, a.doubts < maxDoubtful
	}
	return 0, false
}

func (a *attempts) patience() time.Duration {
	if a.reached {
		return patience
	}
	return patienceUnreached
}

// earlyEnd is a stream that ended with status OK before it should. again: as the one before it did, behind the plan and
// without a byte, which no proxy does.
type earlyEnd struct {
	before string
	again  bool
}

func (e earlyEnd) Error() string { return fmt.Sprintf("the stream ended before %s", e.before) }

// silentError is an attempt that brought nothing for too long.
type silentError struct{ after time.Duration }

func (e silentError) Error() string { return fmt.Sprintf("nothing came for %v", e.after) }

// received calls receive, and cancel where that takes too long.
func received[Message any](
	receive func() (Message, error), cancel context.CancelFunc, silence time.Duration, before string,
) (Message, error) {
	timer := time.AfterFunc(silence, cancel)
	message, err := receive()
	if !timer.Stop() && err != nil {
		return message, silentError{silence}
	}
	if err == io.EOF {
		return message, earlyEnd{before: before}
	}
	return message, err
}

func min(a, b int) int {
	if a < b {
		return a
	}
	return b
}

func minDuration(a, b time.Duration) time.Duration {
	if a < b {
		return a
	}
	return b
}
