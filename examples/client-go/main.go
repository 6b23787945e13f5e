// A service of its own: runs a task, streams one, and submits one that outlives this process.
// WILL_URL names the gateway's gRPC port: host:50051.
package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	will "will/clients/go"
	"will/clients/go/willv1"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// ask is a task with a short answer.
func ask(prompt string) *willv1.Task {
	task := will.Task("text_gen", prompt)
	task.MaxOutputTokens = 20
	return task
}

func run() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	client, err := will.Connect(cmp.Or(os.Getenv("WILL_URL"), "127.0.0.1:50051"), will.Options{
		Client: os.Getenv("WILL_CLIENT"),
		APIKey: os.Getenv("WILL_API_KEY"),
		Dial:   []grpc.DialOption{grpc.WithTransportCredentials(insecure.NewCredentials())},
	})
	if err != nil {
		return err
	}
	defer client.Close()

	end, err := client.Run(ctx, ask("Name a bread."))
	if err != nil {
		return err
	}
	fmt.Println("run:", end.GetModel(), end.GetOutput().GetText() != "")

	text := ""
	if _, err = client.Stream(ctx, ask("Name another."), func(delta *willv1.Delta) {
		text += delta.GetText()
	}); err != nil {
		return err
	}
	fmt.Println("stream:", text != "")

	taskID, err := client.Submit(ctx, &willv1.SubmitRequest{Task: ask("Name a cheese.")})
	if err != nil {
		return err
	}
	stored, err := client.Result(ctx, taskID)
	if err != nil {
		return err
	}
	fmt.Println("submit:", stored.GetModel(), stored.GetOutput().GetText() != "")
	return nil
}
