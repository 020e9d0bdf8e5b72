// What people ask often: the empty page suggests it, a command sends it.

export const PROMPTS = {
    schedules: "What is scheduled, and when?",
    failures: "What failed lately, and why?",
    runs: "Which runs were there lately?",
    forecast: "What will the next 48 hours look like?",
    schedule: "Every weekday at 9, summarise what changed in my workspace",
};
