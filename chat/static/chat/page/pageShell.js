// The page around the conversation: which one is open, its address and title, what is read, the drawer.

import { patch } from "../lib/api.js";
import { find, h } from "../lib/dom.js";
import { rename } from "./renaming.js";

export class Shell {
    #restored = "";

    constructor(parts) {
        Object.assign(this, parts);
        this.title = find("#title");
        this.welcome = find("#welcome");
        this.missing = find("#missing");
        this.more = find("#top [data-more]");
        this.more.addEventListener("click", () => this.sidebar.openMenu(this.thread.conversation, this.more, () => this.rename()));
        this.aside = find("#sidebar");
        this.narrow = matchMedia("(max-width: 820px)");
        this.narrow.addEventListener("change", () => this.toggle(!this.narrow.matches));
        this.toggle(!this.narrow.matches && localStorage.getItem("stagent:sidebar") !== "closed");
        for (const each of document.querySelectorAll("[data-new]")) each.addEventListener("click", (event) => this.#begin(event));
        for (const each of document.querySelectorAll("[data-drawer]")) each.addEventListener("click", () => this.#turn());
        find("#veil").addEventListener("click", () => this.toggle(false));
        this.sidebar.addEventListener("go", ({ detail }) => this.go(detail));
        this.sidebar.addEventListener("changed", ({ detail }) => this.#changed(detail));
        this.sidebar.addEventListener("removed", ({ detail }) => detail === this.thread.id && this.go(null));
        this.thread.addEventListener("shown", () => this.#shown());
        this.thread.addEventListener("begun", () => this.#begun());
        this.thread.addEventListener("forked", ({ detail }) => this.#fork(detail));
        this.thread.addEventListener("gone", ({ detail }) => this.#gone(detail));
        this.connection.addEventListener("state", () => this.connection.state.name === "over" && this.sayOver());
        document.addEventListener("visibilitychange", () => this.#read());
        addEventListener("popstate", (event) => this.open(event.state?.id ?? null));
        history.replaceState({ id: this.config.conversation }, "");
    }

    // Opens a conversation, or with null the place where one begins, and goes back with the browser's button.
    // With a message, that one is brought into sight.
    go(id, messageId = null) {
        if (id !== this.thread.id) history.pushState({ id }, "", id ? `/c/${id}/` : "/");
        this.open(id).then(() => this.thread.point(messageId));
        if (this.narrow.matches) this.toggle(false);
    }

    open(id) {
        this.missing.hidden = true;
        this.composer.open(id);
        this.picker.show(null);
        this.#restored = "";
        this.sidebar.show(id);
        const opened = this.thread.open(id);
        if (!this.narrow.matches) this.composer.focus();
        return opened;
    }

    toggle(open = this.aside.inert) {
        this.aside.inert = !open;
        document.body.toggleAttribute("data-drawer-open", open);
        for (const each of document.querySelectorAll("#top, #needs, #scroll, #composer")) each.inert = open && this.narrow.matches;
        for (const each of document.querySelectorAll("[data-drawer]")) each.setAttribute("aria-expanded", open);
        if (!this.narrow.matches) localStorage.setItem("stagent:sidebar", open ? "open" : "closed");
        else if (open) find("#new").focus();
    }

    // The button that was pressed is gone; its twin takes the keyboard.
    #turn() {
        this.toggle();
        if (!document.activeElement.checkVisibility()) [...document.querySelectorAll("[data-drawer]")].find((each) => each.checkVisibility())?.focus();
    }

    get drawerIsOpen() {
        return this.narrow.matches && !this.aside.inert;
    }

    sayOver() {
        const banner = find("#banner");
        if (!banner.hidden) return;
        const login = `${this.config.links.login}?next=${encodeURIComponent(location.pathname)}`;
        banner.hidden = false;
        banner.replaceChildren(h("span", {}, "You are signed out. What you wrote is kept here. "), h("a", { href: login }, "Sign in again"));
    }

    #begin(event) {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        this.begin();
    }

    // Leads to where a conversation begins, perhaps with its first words.
    begin(words = "") {
        this.go(null);
        if (words) this.composer.fill(words);
        this.composer.focus();
    }

    #begun() {
        history.replaceState({ id: this.thread.id }, "", `/c/${this.thread.id}/`);
        this.composer.adopt(this.thread.id);
        this.sidebar.show(this.thread.id);
        this.sidebar.refresh(this.thread.id);
        this.sidebar.file(this.thread.id);
    }

    #fork(id) {
        this.go(id);
        this.sidebar.refresh(id);
        this.composer.refocus();
    }

    #shown() {
        const { conversation, id } = this.thread;
        const isEmpty = this.thread.list.childElementCount === 0;
        this.missing.hidden ||= !isEmpty;
        this.welcome.hidden = id !== null || !isEmpty || !this.missing.hidden;
        this.composer.showBusy(this.thread.unfinished.length > 0);
        this.#name();
        if (!conversation || this.#restored === JSON.stringify([id, conversation.profile, conversation.model])) return this.#read();
        this.#restored = JSON.stringify([id, conversation.profile, conversation.model]);
        this.picker.show(conversation);
        this.#read();
    }

    #changed(conversation) {
        if (conversation && conversation.id === this.thread.id && this.thread.conversation) this.thread.conversation = conversation;
        this.#name();
        this.#read();
    }

    #name() {
        const name = this.thread.conversation?.title || (this.thread.id ? "Conversation" : "New conversation");
        this.title.textContent = name;
        this.more.hidden = !this.thread.conversation;
        const unread = this.sidebar.unread;
        document.title = `${unread ? `(${unread}) ` : ""}${name} · Stagent`;
    }

    // Gives the conversation a title; without one, the title becomes a field.
    rename(title) {
        const { id, conversation } = this.thread;
        const save = (words) => this.sidebar.change(id, { title: words });
        if (title) save(title);
        else rename(this.title, conversation?.title ?? "", save, () => this.more.focus());
    }

    // What is on screen is read; a page in the background has read nothing.
    #read() {
        const { conversation } = this.thread;
        if (!conversation?.unread || document.hidden) return;
        conversation.unread = false;
        patch(`conversations/${conversation.id}`, { read: true }).catch(() => (conversation.unread = true));
    }

    // Where there is no such conversation, what is written now begins another one.
    #gone(error) {
        if (error.status === 404) {
            history.replaceState({ id: null }, "", "/");
            this.open(null);
            this.#miss("This conversation is not here", "It was deleted, or it is somebody else’s. Begin a new one, or pick another at the side.");
        } else if (!this.thread.messages.length) {
            this.#miss("It cannot be loaded right now", `${error.message} It is tried again when the connection is back.`);
        }
    }

    #miss(title, words) {
        this.missing.hidden = false;
        this.welcome.hidden = true;
        this.missing.replaceChildren(h("h2", {}, title), h("p", {}, words));
    }
}
