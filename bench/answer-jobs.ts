/** The child's side of `processes.ts`: jobs come as messages, and so do their outcomes. */

/** Answers every job until the parent has gone; one that fails ends the process, which its parent reports. */
export function answerJobs(perform: (job: never) => Promise<unknown>): void {
  process.on('message', (job: unknown) => {
    perform(job as never).then(
      (outcome) => process.send?.(outcome),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  });
  process.once('disconnect', () => process.exit());
}
