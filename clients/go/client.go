// Package will runs tasks on Will's model router through a gateway's gRPC port. Its messages are in willv1, which
// programs that speak NATS themselves use as well.
package will

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"will/clients/go/willv1"
)

// Client runs tasks. It is safe for use by several goroutines.
type Client struct {
	connection *grpc.ClientConn
	tasks      willv1.TaskServiceClient
	durable    willv1.DurableTaskServiceClient
	client     string
	apiKey     string
}

// Options of a connection.
type Options struct {
	// Client is the slug of who asks. Default: "default".
	Client string
	// APIKey is shown where the gateway asks for keys.
	APIKey string
	// Dial says how to connect, the transport's credentials above all.
	Dial []grpc.DialOption
}

// Connect makes a client of a gateway at host:port. The first call tells whether one answers.
func Connect(address string, options Options) (*Client, error) {
	connection, err := grpc.NewClient(address, options.Dial...)
	if err != nil {
		return nil, err
	}
	if options.Client == "" {
		options.Client = "default"
	}
	return &Client{
		connection: connection,
		tasks:      willv1.NewTaskServiceClient(connection),
		durable:    willv1.NewDurableTaskServiceClient(connection),
		client:     options.Client,
		apiKey:     options.APIKey,
	}, nil
}

// Close ends every call that is under way.
func (c *Client) Close() error { return c.connection.Close() }

// Task makes a task of one user message. Further facts are fields of the message.
func Task(taskType, prompt string) *willv1.Task {
	input, _ := json.Marshal(map[string]any{"messages": []any{map[string]any{"role": "user", "content": prompt}}})
	return &willv1.Task{TaskId: NewID(), Type: taskType, InputKind: "chat", Input: input}
}

// NewID is an id for a task: the same id again is the same task.
func NewID() string { return rand.Text()[:22] }

// Run answers with the end of a task. Its deadline is that of the context; cancelling that cancels the task.
func (c *Client) Run(ctx context.Context, task *willv1.Task) (*willv1.End, error) {
	answer, err := c.tasks.Run(c.with(ctx), &willv1.RunRequest{Client: c.client, Task: task})
	if err != nil {
		return nil, errorOf(err, task.GetTaskId())
	}
	return answer.GetEnd(), nil
}

// Stream calls onDelta with each piece of the answer, in order, and answers with the end.
func (c *Client) Stream(ctx context.Context, task *willv1.Task, onDelta func(*willv1.Delta)) (*willv1.End, error) {
	ctx, cancel := context.WithCancel(c.with(ctx))
	defer cancel()
	task.Stream = true
	stream, err := c.tasks.Stream(ctx, &willv1.StreamRequest{Client: c.client, Task: task})
	if err != nil {
		return nil, errorOf(err, task.GetTaskId())
	}
	var end *willv1.End
	for {
		message, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, errorOf(err, task.GetTaskId())
		}
		if delta := message.GetDelta(); delta != nil {
			onDelta(delta)
		}
		if found := message.GetEnd(); found != nil {
			end = found
		}
	}
	if end == nil {
		return nil, &TaskError{Code: "truncated", Message: "the stream ended without an end", TaskID: task.GetTaskId()}
	}
	return end, nil
}

// Submit stores a durable task, which survives every restart, and answers with its id.
func (c *Client) Submit(ctx context.Context, request *willv1.SubmitRequest) (string, error) {
	answer, err := c.durable.SubmitTask(c.with(ctx), &willv1.SubmitTaskRequest{Client: c.client, Request: request})
	if err != nil {
		return "", errorOf(err, request.GetTask().GetTaskId())
	}
	if failure := answer.GetResponse().GetFailure(); failure != nil {
		return "", errorIn(failure, request.GetTask().GetTaskId())
	}
	return answer.GetResponse().GetTask().GetTaskId(), nil
}

// Result waits for the end of a durable task, as long as the context holds.
func (c *Client) Result(ctx context.Context, taskID string) (*willv1.End, error) {
	request := &willv1.GetDurableTaskRequest{
		Client:  c.client,
		Request: &willv1.GetTaskRequest{TaskId: taskID, WaitMs: uint32((20 * time.Second).Milliseconds())},
	}
	for {
		answer, err := c.durable.GetDurableTask(c.with(ctx), request)
		if err != nil {
			return nil, errorOf(err, taskID)
		}
		response := answer.GetResponse()
		if failure := response.GetFailure(); failure != nil {
			return nil, errorIn(failure, taskID)
		}
		task := response.GetTask()
		if task.GetState() == willv1.DurableState_DURABLE_STATE_SUCCEEDED {
			return task.GetEnd(), nil
		}
		if failure := task.GetFailure(); failure != nil {
			return nil, errorIn(failure, taskID)
		}
	}
}

func (c *Client) with(ctx context.Context) context.Context {
	if c.apiKey == "" {
		return ctx
	}
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+c.apiKey)
}

// TaskError is a task that did not succeed. Branch on Code: "blocked", "deadline", "no_worker", …
type TaskError struct {
	Code        string
	Message     string
	TaskID      string
	IsRetryable bool
	RetryAfter  time.Duration
	// Failure holds attempts and exclusions; nil where the gateway said nothing of its own.
	Failure *willv1.Failure
}

func (e *TaskError) Error() string { return fmt.Sprintf("%s: %s", e.Code, e.Message) }

func errorIn(failure *willv1.Failure, taskID string) *TaskError {
	return &TaskError{
		Code:        strings.ToLower(strings.TrimPrefix(failure.GetCode().String(), "FAILURE_CODE_")),
		Message:     failure.GetMessage(),
		TaskID:      taskID,
		IsRetryable: failure.GetRetryable(),
		RetryAfter:  time.Duration(failure.GetRetryAfterMs()) * time.Millisecond,
		Failure:     failure,
	}
}

var codeNames = map[codes.Code]string{
	codes.InvalidArgument:   "invalid_task",
	codes.PermissionDenied:  "blocked",
	codes.DeadlineExceeded:  "deadline",
	codes.ResourceExhausted: "overloaded",
	codes.Unavailable:       "unavailable",
	codes.DataLoss:          "truncated",
	codes.Canceled:          "cancelled",
}

func errorOf(err error, taskID string) error {
	found, isStatus := status.FromError(err)
	if !isStatus {
		return err
	}
	for _, detail := range found.Details() {
		if failure, isFailure := detail.(*willv1.Failure); isFailure {
			return errorIn(failure, taskID)
		}
	}
	name, isKnown := codeNames[found.Code()]
	if !isKnown {
		name = "internal"
	}
	return &TaskError{
		Code:        name,
		Message:     found.Message(),
		TaskID:      taskID,
		IsRetryable: name == "unavailable" || name == "overloaded" || name == "deadline",
	}
}
