// The way around, which is longer than many windows: where one is stays in sight.

const nav = document.querySelector("#nav");

function showCurrent() {
    nav?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
}

showCurrent();
nav?.addEventListener("toggle", showCurrent);

// Drop-downs made of <details class="filter">: one is open at a time; a click elsewhere or Escape closes it.

function close(except) {
    for (const menu of document.querySelectorAll("details.filter[open]")) {
        if (menu !== except) menu.open = false;
    }
}

document.addEventListener("click", (event) => close(event.target.closest("details.filter")));
document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const menu = document.querySelector("details.filter[open]");
    close(null);
    menu?.querySelector("summary").focus();
});
