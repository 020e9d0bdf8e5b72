// What one asks often: the empty page suggests it, a command says it.

export const ASKS = {
    schedules: "What is scheduled, and when?",
    failures: "What failed lately, and why?",
    runs: "Which runs were there lately?",
    forecast: "What will the next 48 hours look like?",
    schedule: "Every weekday at 9, summarise what changed in my workspace",
};
