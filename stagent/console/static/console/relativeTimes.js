// Keeps "3 min ago" true: every <time data-ago> is told again every few seconds.

const STEPS = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];

function distance(seconds) {
    const far = Math.abs(seconds);
    if (far < 1) return "now";
    const [size, unit] = STEPS.find(([size]) => far >= size);
    const count = `${Math.floor(far / size)} ${unit}`;
    return seconds > 0 ? `in ${count}` : `${count} ago`;
}

function tell() {
    if (document.hidden) return;
    for (const time of document.querySelectorAll("time[data-ago]")) {
        const text = distance((Date.parse(time.dateTime) - Date.now()) / 1000);
        if (time.textContent !== text) time.textContent = text;
    }
}

setInterval(tell, 1000);
document.addEventListener("visibilitychange", tell);
