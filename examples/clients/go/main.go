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
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	"example.org/logah/predict/logahv1"
)

const (
	windowBytes     = 8 << 20
	maxMessageBytes = 16 << 20

	// Repeats a call that did not reach the server; gRPC never repeats a stream that has delivered a message.
	retryUnavailable = `{"methodConfig": [{
		"name": [{"service": "logah.v1.LogahService"}],
		"retryPolicy": {"maxAttempts": 3, "initialBackoff": "0.1s", "maxBackoff": "1s", "backoffMultiplier": 2,
		                "retryableStatusCodes": ["UNAVAILABLE"]}}]}`
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
	connection, err := grpc.Dial(server,
		grpc.WithInsecure(), // newer releases of gRPC prefer WithTransportCredentials(insecure.NewCredentials())
		grpc.WithInitialWindowSize(windowBytes),
		grpc.WithInitialConnWindowSize(windowBytes),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessageBytes)),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: time.Minute, Timeout: 20 * time.Second}),
		grpc.WithDefaultServiceConfig(retryUnavailable),
	)
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

// predict writes the file and returns the plan. Errors are those of the call (with a status), of the file system, or
// say what in the answer contradicts the contract.
func predict(
	ctx context.Context, client logahv1.LogahServiceClient, path string, request *logahv1.PredictRequest,
) (*logahv1.Plan, error) {
	// Leaving early ends the call on the server.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := client.Predict(ctx, request)
	if err != nil {
		return nil, err
	}
	first, err := stream.Recv()
	if err != nil {
		return nil, endedBefore("the plan", err)
	}
	plan := first.GetPlan()
	if plan == nil {
		return nil, errors.New("the first message is not the plan")
	}
	if err := checkPlan(plan); err != nil {
		return nil, err
	}
	for _, warning := range plan.GetWarnings() {
		fmt.Fprintln(os.Stderr, "warning:", warning.GetText())
	}
	file, err := createSafetensors(path, plan, request.GetSeed())
	if err != nil {
		return nil, err
	}
	defer file.discard()
	summary, err := receiveData(stream, file)
	if err != nil {
		return nil, err
	}
	if err := file.compare(summary); err != nil {
		return nil, err
	}
	if _, err := stream.Recv(); err == nil {
		return nil, errors.New("a message came behind the summary")
	} else if err != io.EOF {
		return nil, err
	}
	return plan, file.commit()
}

// receiveData appends chunks to the file until the summary comes.
func receiveData(stream logahv1.LogahService_PredictClient, file *safetensorsFile) (*logahv1.Summary, error) {
	for {
		response, err := stream.Recv()
		if err != nil {
			return nil, endedBefore("the summary", err)
		}
		switch message := response.Message.(type) {
		case *logahv1.PredictResponse_Chunk:
			if err := file.append(message.Chunk); err != nil {
				return nil, err
			}
		case *logahv1.PredictResponse_Summary:
			return message.Summary, nil
		default:
			return nil, errors.New("a message is neither a chunk nor the summary")
		}
	}
}

// endedBefore gives an end of the stream with status OK a message of its own; io.EOF says nothing.
func endedBefore(what string, err error) error {
	if err == io.EOF {
		return fmt.Errorf("the stream ended before %s", what)
	}
	return err
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
