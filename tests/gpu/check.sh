#!/bin/sh
# The GPU check on a machine that has nothing but a driver: finds the driver's manifest, then runs promot gpu-check.
#
#     ./check.sh [--budget SECONDS] [other options of promot gpu-check]
#
# Lines go to the terminal and to gpu-check.jsonl in this folder. With Python, torch and transformers on the machine
# pytorch.py runs afterwards and writes pytorch.jsonl.
cd "$(dirname "$0")" || exit 1

# The driver: as the environment says, else the first manifest of a real card in the usual folders.
if [ -z "${VK_DRIVER_FILES:-}${VK_ICD_FILENAMES:-}" ]; then
  for file in /usr/share/vulkan/icd.d/nvidia_icd*.json /etc/vulkan/icd.d/nvidia_icd*.json \
    /usr/local/nvidia/share/vulkan/icd.d/nvidia_icd*.json /usr/local/share/vulkan/icd.d/nvidia_icd*.json \
    /usr/share/vulkan/icd.d/radeon_icd*.json /usr/share/vulkan/icd.d/amd_icd*.json /etc/vulkan/icd.d/*.json \
    /usr/share/vulkan/icd.d/intel_icd*.json /usr/share/vulkan/icd.d/*.json; do
    if [ -r "$file" ]; then
      export VK_DRIVER_FILES="$file" VK_ICD_FILENAMES="$file"
      break
    fi
  done
fi
# NVIDIA's container images bring the driver's library and sometimes no manifest.
if [ -z "${VK_DRIVER_FILES:-}${VK_ICD_FILENAMES:-}" ]; then
  for library in libGLX_nvidia.so.0 libEGL_nvidia.so.0; do
    if ldconfig -p 2>/dev/null | grep -q "$library"; then
      printf '{"file_format_version": "1.0.0", "ICD": {"library_path": "%s", "api_version": "1.3.0"}}\n' \
        "$library" >nvidia_icd.json
      export VK_DRIVER_FILES="$PWD/nvidia_icd.json" VK_ICD_FILENAMES="$PWD/nvidia_icd.json"
      break
    fi
  done
fi
driver=${VK_DRIVER_FILES:-${VK_ICD_FILENAMES:-}}
if [ -z "$driver" ]; then
  echo "no Vulkan driver: no manifest in the usual folders and no NVIDIA library; in a container the driver's graphics" \
    "part may be missing (NVIDIA_DRIVER_CAPABILITIES=all)" >&2
else
  echo "Vulkan driver: $driver" >&2
fi

# The machine's own Vulkan loader where it has one, else the one beside this file.
if [ -e lib/libvulkan.so.1 ] && ! ldconfig -p 2>/dev/null | grep -q 'libvulkan\.so\.1'; then
  LD_LIBRARY_PATH="$PWD/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
  export LD_LIBRARY_PATH
fi
if [ -z "${XDG_RUNTIME_DIR:-}" ]; then
  XDG_RUNTIME_DIR=$(mktemp -d)
  export XDG_RUNTIME_DIR
fi

./promot gpu-check --out gpu-check.jsonl "$@"
status=$?
if [ "${1:-}" != --tiny ] && python3 -c 'import torch, transformers; assert torch.cuda.is_available()' 2>/dev/null; then
  python3 pytorch.py gpu-check.jsonl || true
fi
exit $status
