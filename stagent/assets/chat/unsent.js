// A person's words that the server has not confirmed: shown at once, with what becomes of them.

import { button, h, icon } from "./dom.js";

export function unsent(entry, outbox, state, takeBack) {
    const status = entry.error ? wrong(entry, outbox, takeBack) : h("p", { class: "sending" }, icon("clock"), waits(state));
    const name = entry.error ? "You, not sent" : "You, sending";
    return h("article", { class: "message user unsent", "aria-label": name }, h("div", { class: "bubble" }, entry.text), status);
}

function waits(state) {
    if (state.name === "offline") return "Will be sent when you are back online";
    return state.name === "live" ? "Sending" : "Will be sent when the connection is back";
}

function wrong(entry, outbox, takeBack) {
    const id = entry.client_msg_id;
    const back = () => {
        outbox.drop(id);
        takeBack(entry.text);
    };
    return h(
        "div",
        { class: "sending failed", role: "alert" },
        h("span", {}, icon("warn"), `Not sent: ${entry.error}`),
        button("Try again", () => outbox.retry(id), { class: "button small" }),
        button("Edit", back, { class: "button small" }),
    );
}
