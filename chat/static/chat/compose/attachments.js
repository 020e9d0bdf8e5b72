// The files of a message: pictures to look at, others to download.

import { h, icon, iconButton } from "../lib/dom.js";

const UNITS = [["MB", 2 ** 20], ["KB", 2 ** 10]];

export function addressOf({ id }) {
    return `/api/attachments/${id}`;
}

export function amount(bytes) {
    const [unit, each] = UNITS.find(([, each]) => bytes >= each) ?? ["bytes", 1];
    return `${Number((bytes / each).toFixed(1)).toLocaleString("en")} ${unit}`;
}

// The list under which a message's files stand; nothing where there are none.
export function filesOf(attachments) {
    if (!attachments?.length) return null;
    const items = attachments.map((each) => h("li", {}, each.kind === "image" ? picture(each) : download(each)));
    return h("ul", { class: "files", "aria-label": "Files" }, items);
}

function picture(file) {
    const { name, width, height } = file;
    const image = h("img", { src: addressOf(file), alt: name, width, height, loading: "lazy", decoding: "async" });
    const link = h("a", { class: "thumb", href: addressOf(file), target: "_blank", rel: "noopener", title: name, "aria-haspopup": "dialog" }, image);
    image.addEventListener("error", () => link.replaceChildren(icon("warn"), `${name} cannot be shown`));
    link.addEventListener("click", (event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
        event.preventDefault();
        look(file, link);
    });
    return link;
}

function download(file) {
    const { name, size } = file;
    return h("a", { class: "file", href: addressOf(file), download: name, title: `Download ${name}` }, icon("file"), h("span", { class: "words" }, h("span", { class: "name", dir: "auto" }, name), h("small", {}, amount(size))), icon("download"));
}

// Shows a picture as large as the window allows; Escape, or a click beside it, goes back.
function look(file, from) {
    const close = () => dialog.close();
    const dialog = h(
        "dialog",
        { class: "picture", "aria-label": file.name },
        h("header", {}, h("span", { class: "name", dir: "auto" }, file.name), h("a", { class: "icon-button", href: addressOf(file), download: file.name, "aria-label": "Download", title: "Download" }, icon("download")), iconButton("close", "Close", close)),
        h("img", { src: addressOf(file), alt: file.name, width: file.width, height: file.height }),
    );
    dialog.addEventListener("click", (event) => event.target === dialog && close());
    dialog.addEventListener("close", () => {
        dialog.remove();
        from.focus({ preventScroll: true });
    });
    document.body.append(dialog);
    dialog.showModal();
}
