/** What can be told from a job's record. */

export function hasEnded(job) {
  return ["completed", "failed", "canceled"].includes(job.state);
}
