// The files of what is being written, a chip each; kept with the draft. They come by button, drop and paste.
// Events: "change" when one is new, got further, arrived, failed or is gone.

import { find, h, icon, iconButton } from "../lib/dom.js";
import { addressOf, amount } from "./attachments.js";
import { Upload } from "./upload.js";

export class Tray extends EventTarget {
    #drafts = new Map(); // what was begun in another conversation goes on
    #chips = new Map();
    #key = "";

    constructor(element, { user, files }) {
        super();
        Object.assign(this, { element, limits: files });
        this.prefix = `stagent:files:${user}:`;
        this.list = find("ul", element);
        this.says = find("[role=status]", element);
    }

    get isEmpty() {
        return this.#uploads.length === 0;
    }

    get isUnderWay() {
        return this.#uploads.some((each) => each.isUnderWay);
    }

    get hasFailed() {
        return this.#uploads.some((each) => each.error);
    }

    // What a model would read of the files that have arrived, about.
    get tokens() {
        return this.#uploads.reduce((sum, { row }) => sum + (row?.tokens ?? 0), 0);
    }

    get #uploads() {
        return this.#drafts.get(this.#key) ?? [];
    }

    // Puts the files of a draft in place.
    open(key) {
        this.#key = key;
        if (!this.#drafts.has(key)) this.#drafts.set(key, this.#kept(key).map(Upload.of));
        this.say("");
        this.#show();
    }

    // The draft has another name now; what was added since goes along.
    adopt(key) {
        const moved = this.#uploads;
        this.#drafts.delete(this.#key);
        localStorage.removeItem(this.prefix + this.#key);
        this.#key = key;
        this.#drafts.set(key, moved);
        this.#keep(key);
    }

    add(files) {
        const room = this.limits.most - this.#uploads.length;
        const taken = [...files].slice(0, room);
        const uploads = taken.map((file) => this.#watch(new Upload(file, this.limits)));
        this.#uploads.push(...uploads);
        this.say(files.length > room ? `At most ${this.limits.most} files go with one message; the others were left out.` : "");
        for (const each of uploads) each.start();
        this.#show();
    }

    // Puts files back that were about to be sent.
    restore(rows) {
        const there = new Set(this.#uploads.map((each) => each.row?.id));
        this.#uploads.unshift(...rows.filter((row) => !there.has(row.id)).map(Upload.of));
        this.#show();
    }

    // Hands over what has arrived, and is empty.
    take() {
        const rows = this.#uploads.map((each) => each.row);
        this.#drafts.set(this.#key, []);
        this.say("");
        this.#show();
        return rows;
    }

    say(words) {
        this.says.textContent = words;
        this.says.hidden = !words;
    }

    #watch(upload) {
        const key = this.#key;
        upload.addEventListener("change", () => {
            this.#chips.get(upload)?.update();
            this.#keep(this.#drafts.get(key)?.includes(upload) ? key : this.#key);
            this.dispatchEvent(new Event("change"));
        });
        return upload;
    }

    #drop(upload) {
        upload.stop();
        const at = this.#uploads.indexOf(upload);
        this.#uploads.splice(at, 1);
        this.say("");
        this.#show();
        const next = this.#uploads[Math.min(at, this.#uploads.length - 1)];
        if (next) this.#chips.get(next).removeButton.focus();
        else this.dispatchEvent(new Event("emptied"));
    }

    #show() {
        const before = this.#chips;
        this.#chips = new Map(this.#uploads.map((each) => [each, before.get(each) ?? new Chip(each, () => this.#drop(each))]));
        this.list.replaceChildren(...[...this.#chips.values()].map((chip) => chip.element));
        this.list.hidden = this.isEmpty;
        this.#keep(this.#key);
        this.dispatchEvent(new Event("change"));
    }

    #kept(key) {
        try {
            return JSON.parse(localStorage.getItem(this.prefix + key)) ?? [];
        } catch {
            return []; // it was written by somebody else
        }
    }

    #keep(key) {
        const rows = (this.#drafts.get(key) ?? []).map((each) => each.row).filter(Boolean);
        try {
            if (rows.length) localStorage.setItem(this.prefix + key, JSON.stringify(rows));
            else localStorage.removeItem(this.prefix + key);
        } catch {
            // Nothing can be kept here; the files are in the tray still.
        }
    }
}

class Chip {
    constructor(upload, remove) {
        this.upload = upload;
        this.face = h("span", { class: "face" }, icon("file"));
        this.bar = h("progress", { max: 1, value: 0, "aria-label": `Uploading ${upload.name}` });
        this.about = h("small", {});
        this.again = iconButton("retry", `Try again: ${upload.name}`, () => upload.start());
        this.removeButton = iconButton("close", `Remove ${upload.name}`, remove);
        this.name = h("span", { class: "name", dir: "auto", title: upload.name }, upload.name);
        this.element = h("li", { class: "chip-file" }, this.face, h("span", { class: "words" }, this.name, this.about, this.bar), this.again, this.removeButton);
        this.#draw();
        this.update();
    }

    update() {
        const { error, isUnderWay, progress, mayRetry, name, size } = this.upload;
        this.element.toggleAttribute("data-failed", Boolean(error));
        this.name.textContent = this.name.title = name;
        this.about.textContent = error || (isUnderWay ? `${Math.round(progress * 100)} % of ${amount(size)}` : amount(size));
        this.about.setAttribute("role", error ? "alert" : "none");
        this.bar.value = progress;
        this.bar.hidden = !isUnderWay;
        this.again.hidden = !error || !mayRetry;
    }

    // Shows a picture: from the file at hand, else from the server.
    #draw() {
        const { file, row, isImage } = this.upload;
        if (!isImage) return;
        const image = h("img", { alt: "" });
        image.addEventListener("load", () => this.face.replaceChildren(image));
        if (row) return void (image.src = addressOf(row));
        const reader = new FileReader();
        reader.addEventListener("load", () => (image.src = reader.result));
        reader.readAsDataURL(file);
    }
}
