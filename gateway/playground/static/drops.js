/** Files dropped on the page. */

/** Lets files be dropped anywhere on the page; each goes where it was dropped or, elsewhere, where its kind belongs. */
export function takeDrops(slots) {
  const { video, voice } = slots;
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    document.body.classList.add("dragging");
  });
  document.addEventListener("dragleave", (event) => event.relatedTarget || document.body.classList.remove("dragging"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("dragging");
    const files = [...event.dataTransfer.files];
    const under = Object.values(slots).find((slot) => slot.root.contains(event.target));
    if (files.length === 1 && under) return under.takeFile(files[0]);
    for (const file of files.slice(0, 2)) (file.type.startsWith("audio/") ? voice : video).takeFile(file);
  });
}
