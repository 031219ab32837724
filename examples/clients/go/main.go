// Command predict asks a server for the parameters of a network and writes them to a safetensors file:
//
//	predict [-seed N] HOST:PORT CONFIG.json OUT.safetensors
//
// It exits with 1 and a message where anything is wrong; nothing is left behind then.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	"example.org/logah/predict/logahv1"
)

const (
	windowBytes     = 32 << 20
	maxMessageBytes = 16 << 20
)

func main() {
	seed := flag.Uint64("seed", 0, "seed of what is drawn at random")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: predict [-seed N] HOST:PORT CONFIG.json OUT.safetensors")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 3 {
		flag.Usage()
		os.Exit(2)
	}
	// Cancels the call on Ctrl-C, so that it ends like any that fails.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	plan, err := run(ctx, flag.Arg(0), flag.Arg(1), flag.Arg(2), *seed)
	if err != nil {
		fmt.Fprintln(os.Stderr, "predict:", describe(err))
		os.Exit(1)
	}
	fmt.Printf("%d parameters from %s in %s\n", plan.GetCoverage().GetParameters(), plan.GetModel(), flag.Arg(2))
}

func run(ctx context.Context, server, configPath, path string, seed uint64) (*logahv1.Plan, error) {
	config, err := os.ReadFile(configPath)
	if err != nil {
		return nil, err
	}
	security, err := securityOptions(server)
	if err != nil {
		return nil, err
	}
	connection, err := grpc.Dial(server, append(security,
		grpc.WithInitialWindowSize(windowBytes),
		grpc.WithInitialConnWindowSize(windowBytes),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessageBytes)),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: time.Minute, Timeout: 20 * time.Second}),
		grpc.WithDisableRetry(), // attempts.go makes calls again, and streams from where they stopped
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: firstPause, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 2 * time.Second},
			MinConnectTimeout: 5 * time.Second,
		}),
	)...)
	if err != nil {
		return nil, err
	}
	defer connection.Close()
	return predict(ctx, logahv1.NewLogahServiceClient(connection), path, &logahv1.PredictRequest{
		Architecture: &logahv1.Architecture{
			Source: &logahv1.Architecture_TransformersConfig{TransformersConfig: config},
		},
		Seed: seed,
	})
}

// predict writes the file and returns the plan. A stream that breaks off goes on where it stopped. Errors are those of
// the call (with a status), of the file system, or say what in the answer contradicts the contract.
func predict(
	ctx context.Context, client logahv1.LogahServiceClient, path string, request *logahv1.PredictRequest,
) (*logahv1.Plan, error) {
	p := &prediction{path: path, seed: request.GetSeed()}
	defer p.discard()
	for inVain := 0; ; {
		before := p.position()
		err := p.attempt(ctx, client, request)
		if err == nil {
			return p.plan, p.file.commit()
		}
		if early, ok := err.(earlyEnd); ok {
			inVain++
			if p.position() > before || !p.planned {
				inVain = 0
			}
			early.again = inVain > 1
			err = early
		} else {
			inVain = 0
		}
		if err := p.attempts.overcome(ctx, err, p.plan != nil); err != nil {
			return nil, err
		}
		if p.plan != nil {
			request.Resume = &logahv1.Resume{Fingerprint: p.plan.GetFingerprint(), Offset: p.position()}
		}
	}
}

// prediction is what has come of one, over as many attempts as it takes.
type prediction struct {
	path     string
	seed     uint64
	attempts attempts
	plan     *logahv1.Plan
	file     *safetensorsFile
	planned  bool // the last attempt brought the plan
}

func (p *prediction) position() uint64 {
	if p.file == nil {
		return 0
	}
	return p.file.position
}

func (p *prediction) discard() {
	if p.file != nil {
		p.file.discard()
	}
}

// attempt makes the call once, and returns nil where all has come and was right.
func (p *prediction) attempt(
	ctx context.Context, client logahv1.LogahServiceClient, request *logahv1.PredictRequest,
) error {
	// Leaving early ends the call on the server.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p.planned = false
	stream, err := client.Predict(ctx, request)
	if err != nil {
		return err
	}
	receive := func(before string) (*logahv1.PredictResponse, error) {
		return received(stream.Recv, cancel, p.attempts.silence(), before)
	}
	first, err := receive("the plan")
	if err != nil {
		return err
	}
	if err := p.begin(first.GetPlan(), request.GetResume()); err != nil {
		return err
	}
	for {
		response, err := receive("the summary")
		if err != nil {
			return err
		}
		switch message := response.Message.(type) {
		case *logahv1.PredictResponse_Chunk:
			if err := p.file.append(message.Chunk); err != nil {
				return err
			}
			p.attempts.progress()
		case *logahv1.PredictResponse_Summary:
			if err := p.file.compare(message.Summary, request.GetResume().GetOffset()); err != nil {
				return err
			}
			if _, err := stream.Recv(); err == nil {
				return errors.New("a message came behind the summary")
			}
			// All has come, whatever becomes of the connection.
			return nil
		default:
			return errors.New("a message is neither a chunk nor the summary")
		}
	}
}

// begin takes the first message of an attempt. That of a stream that goes on must be the same plan.
func (p *prediction) begin(plan *logahv1.Plan, resumed *logahv1.Resume) error {
	if plan == nil {
		return errors.New("the first message is not the plan")
	}
	p.planned = true
	if resumed != nil {
		if plan.GetFingerprint() != resumed.GetFingerprint() {
			return fmt.Errorf("the plan's fingerprint is %q, expected %q", plan.GetFingerprint(), resumed.GetFingerprint())
		}
		return nil
	}
	if err := checkPlan(plan); err != nil {
		return err
	}
	for _, warning := range plan.GetWarnings() {
		fmt.Fprintln(os.Stderr, "warning:", warning.GetText())
	}
	file, err := createSafetensors(p.path, plan, p.seed)
	if err != nil {
		return err
	}
	p.plan, p.file = plan, file
	p.attempts.progress()
	return nil
}

// describe gives the code of a call that failed, and its message or, where the server says them, all wrong fields.
func describe(err error) string {
	failed, ok := status.FromError(err)
	if !ok {
		return err.Error()
	}
	var wrong []string
	for _, detail := range failed.Details() {
		if request, ok := detail.(*errdetails.BadRequest); ok {
			for _, violation := range request.GetFieldViolations() {
				wrong = append(wrong, fmt.Sprintf("\n  %s: %s", violation.GetField(), violation.GetDescription()))
			}
		}
	}
	if len(wrong) == 0 {
		return fmt.Sprintf("the call failed with %v: %s", failed.Code(), failed.Message())
	}
	return fmt.Sprintf("the call failed with %v:%s", failed.Code(), strings.Join(wrong, ""))
}
