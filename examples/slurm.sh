#!/usr/bin/env bash
# Train on several machines under Slurm:
#
#   sbatch examples/slurm.sh photos/ --preset ddpm-cifar10 --out /shared/runs/photos
#
# All arguments are those of `nevoa train`. The run folder has to lie where every machine can read it.
#SBATCH --job-name=nevoa
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=4
#SBATCH --cpus-per-task=32
#SBATCH --time=04:00:00
# Two minutes before the time is over the run is saved; when Slurm starts the job again, it resumes.
#SBATCH --signal=TERM@120
#SBATCH --requeue
set -euo pipefail

first=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
srun torchrun \
  --nnodes "$SLURM_NNODES" \
  --nproc-per-node "${SLURM_GPUS_ON_NODE:-1}" \
  --rdzv-backend c10d \
  --rdzv-endpoint "$first:29500" \
  --rdzv-id "$SLURM_JOB_ID" \
  --max-restarts 3 \
  -m nevoa train "$@"
